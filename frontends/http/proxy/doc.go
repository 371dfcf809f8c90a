// Package proxy gives every tool on this machine an address that is a service
// behind Identity-Aware Proxy: http://127.0.0.1:PORT/ answers as
// https://app.example.com/ does to somebody who is signed in. Tools need not know
// of tokens, headers or sign-ins.
//
// A [Proxy] is a [core.Frontend] that stays until its context ends. It forwards
// through the transport of package iap, which knows what IAP's answers mean, and
// changes no more than it must: paths and queries go on as they came, byte by byte;
// bodies are streamed both ways; upgraded connections, trailers and informational
// answers pass. Location, Link, Set-Cookie and the like are rewritten to this address;
// Origin, Referer and WebDAV's Destination to the service's.
//
// # Who may use it
//
// Whoever reaches the proxy acts as the person who is signed in, so loopback is
// not enough. In this order it refuses
//
//   - requests that are not for a path: of a forward proxy, CONNECT, TRACE;
//   - a Host that is not one of its own (DNS rebinding): 421;
//   - what a page of another site, or of another port, made a browser send, by
//     Sec-Fetch-Site and Origin: 403;
//   - what does not show the secret of this run: 401, browsers 403.
//
// A tool shows the secret as the password of basic authentication, as the header
// Tokentoss-Secret, or as the first segment of the path, /~SECRET/; a browser by a
// cookie, which it gets from a link that works once. The secret is not forwarded, from
// wherever it stands. A Unix socket of mode 0600 needs no secret. Without one, connections of other users are
// closed on Linux, where the
// kernel says whose a connection is.
//
// Where a request goes is decided by its Host and the beginning of its path, among
// the origins of [Config.Targets]; nothing in a request can name another.
package proxy
