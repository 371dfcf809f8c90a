package proxy

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Codes of gRPC (https://grpc.io/docs/guides/status-codes/) for what the proxy answers
// beside the kinds of faults, which have theirs.
const (
	grpcInvalidArgument    = 3
	grpcPermissionDenied   = 7
	grpcFailedPrecondition = 9
	grpcUnimplemented      = 12
	grpcUnavailable        = 14
	grpcUnauthenticated    = 16
)

// isGRPC tells by its Content-Type that a request is a call of gRPC over HTTP/2
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
func isGRPC(h http.Header) bool {
	rest, ok := strings.CutPrefix(h.Get("Content-Type"), "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// speaksGRPC is isGRPC, or that the request is of gRPC-Web
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md), whose clients look for
// the status of an answer without a body in the same headers.
func speaksGRPC(h http.Header) bool {
	return isGRPC(h) || strings.HasPrefix(h.Get("Content-Type"), "application/grpc-web")
}

// setStatus sets gRPC's status in headers, or in trailers with their prefix.
func (e httpError) setStatus(h http.Header, prefix string) {
	h[prefix+"Grpc-Status"] = []string{strconv.FormatUint(uint64(e.GRPC), 10)}
	h[prefix+"Grpc-Message"] = []string{url.PathEscape(e.sentence())}
}

// forward forwards the request. Where the service breaks off the answer to a call of
// gRPC, its status says so: a client would make a fault of its own, or of the proxy, of a
// stream that is reset.
func (x *requestState) forward() {
	if isGRPC(x.in.Header) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v != http.ErrAbortHandler || x.status == 0 || x.in.Context().Err() != nil {
				panic(v)
			}
			e := explainUpstream(errBrokenOff, x.target.origin())
			x.code = e.Code
			e.setStatus(x.Header(), http.TrailerPrefix)
		}()
	}
	x.forwardOnce()
}
