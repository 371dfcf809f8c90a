// Package mcp makes a remote MCP server a local one: a program that speaks the Model
// Context Protocol on standard input and output gets what a server behind
// Identity-Aware Proxy says, with a token that is always fresh.
//
// [Serve] is a bridge, not a client. Messages pass as the JSON values that they are, one
// a line, in the order of the stream that they came on; only what the transports
// themselves are about is read. The remote server speaks streamable HTTP (versions
// 2025-03-26 to 2025-11-25 of the protocol, and 2026-07-28, which has no sessions), or
// the older HTTP with SSE (2024-11-05), which is tried when the first is not there.
//
// # What becomes of a request
//
// Every request gets one answer. What never reached the server, was refused by IAP, or
// lost its connection is answered with a JSON-RPC error that says what to do. A request
// is never sent twice. A stream that closed early is taken up again where the server has
// given its events IDs. When a server ends a session, the bridge begins another one with
// the initialize request of the client, and requests that were open are answered with an
// error: the server may have done what they asked for.
//
// # What it does not keep
//
// What a client told a session that the server then ended, such as its log level and its
// subscriptions to resources, is not told to the next one.
//
// Sources: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports,
// https://modelcontextprotocol.io/specification/2024-11-05/basic/transports,
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http,
// https://html.spec.whatwg.org/multipage/server-sent-events.html,
// https://www.jsonrpc.org/specification.
package mcp
