// Package rpc serves sessions to one program over a pair of streams, for programs
// that are not in Go: the Python package is one. The protocol is tokentoss.rpc/1,
// which docs/rpc.md describes: JSON-RPC 2.0, one message a line.
//
// A session is an open profile. Its tokens are asked for by requests; its views, the
// widgets of a notebook, exchange the messages of tokentoss.widget/1 with the
// frontend "notebook", which is started when the first of them says something.
//
// The client is trusted as the person is: it could run tokentoss as well. It is not
// trusted to make no mistakes: whatever it sends, memory stays bounded and nothing
// is left behind.
package rpc
