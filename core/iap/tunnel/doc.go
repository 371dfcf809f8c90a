// Package tunnel opens TCP connections through IAP's TCP forwarding: to a port of a
// virtual machine that has no public address, or of a host in a network that such
// machines reach.
//
// [Dialer.DialContext] has the shape of [net.Dialer]'s, so that it serves wherever a
// program may bring its own: [net/http.Transport], database drivers, SSH. What it
// returns is a [net.Conn].
//
// # The protocol
//
// A connection is carried by a WebSocket to the relay, in frames that both sides
// acknowledge (version 4 of the relay protocol,
// https://chromium.googlesource.com/apps/libapps/+/master/nassh/docs/relay-protocol.md;
// IAP's differs a little, and Google documents it by gcloud's source alone). When the
// WebSocket breaks, the connection goes on over a new one, from the byte that each
// side received last: programs notice a pause, and no byte is lost or doubled. Each
// side keeps what the other has not acknowledged, within bounds, so that a slow
// reader slows its sender down and costs no memory.
//
// The protocol has no way to say that one side has sent all it will. [Conn.CloseWrite]
// therefore ends writing on this side alone, and what the other side still sends is
// received until it closes.
//
// # What it needs
//
// An access token of a person or a service account with the scope [Scope], and the
// role roles/iap.tunnelResourceAccessor on the instance. An ID token, which IAP takes
// for HTTP, does not do.
package tunnel
