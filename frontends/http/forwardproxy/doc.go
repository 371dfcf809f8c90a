// Package forwardproxy is the private forward proxy of one command (RFC 9110 section
// 7.6): requests that the command makes to some services get an ID token on the way out,
// and the command has none.
//
// A [Proxy] takes CONNECT, and the absolute form of requests. It opens the connections
// that name one of its targets exactly, by host and port, with a certificate of an
// [Authority] that was made for this run and is good for nothing else; HTTP/1.1 and
// HTTP/2 pass, with upgrades, trailers, streams and informational answers. The service
// behind is reached, and verified, by the one transport of package iap. All else is
// tunnelled as it is, through the forward proxy that the environment names, where it
// names one.
//
// # Who may use it
//
// Whoever reaches the proxy acts as the person who is signed in. Each request shows the
// credential that is in [Proxy.URL], as basic authentication for a proxy, and on Linux
// the kernel says that the connection is of the same user, or of root.
//
// Inside an opened connection, what TLS and HTTP name must be what CONNECT named.
// Nothing in a request leads the token to another place.
package forwardproxy
