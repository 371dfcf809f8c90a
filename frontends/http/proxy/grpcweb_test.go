package proxy_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	test "google.golang.org/grpc/interop/grpc_testing"
)

// gRPC of browsers (gRPC-Web), which is ordinary HTTP: calls, streams, and a status that
// comes in the body.
func TestGRPCWeb(t *testing.T) {
	const unary, stream = "/grpc.testing.TestService/UnaryCall", "/grpc.testing.TestService/StreamingOutputCall"
	mux := http.NewServeMux()
	mux.Handle(unary, connect.NewUnaryHandler(unary, func(_ context.Context, r *connect.Request[test.SimpleRequest]) (*connect.Response[test.SimpleResponse], error) {
		if st := r.Msg.GetResponseStatus(); st != nil {
			return nil, connect.NewError(connect.Code(st.GetCode()), &plainError{st.GetMessage()})
		}
		a := connect.NewResponse(&test.SimpleResponse{Payload: payload(int(r.Msg.GetResponseSize()))})
		a.Trailer().Set("x-bearer", r.Header().Get("Authorization"))
		return a, nil
	}))
	mux.Handle(stream, connect.NewServerStreamHandler(stream, func(_ context.Context, r *connect.Request[test.StreamingOutputCallRequest], s *connect.ServerStream[test.StreamingOutputCallResponse]) error {
		for _, p := range r.Msg.GetResponseParameters() {
			if err := s.Send(&test.StreamingOutputCallResponse{Payload: payload(int(p.GetSize()))}); err != nil {
				return err
			}
		}
		return nil
	}))
	service := httptest.NewServer(mux)
	defer service.Close()
	w, _ := calling(t, &ada{}, service)
	secret := connect.WithInterceptors(secretHeader(w.Secret.Reveal()))

	calls := connect.NewClient[test.SimpleRequest, test.SimpleResponse](http.DefaultClient, w.URL+unary, connect.WithGRPCWeb(), secret)
	for _, size := range []int{0, 1, 1 << 20} {
		r, err := calls.CallUnary(t.Context(), connect.NewRequest(&test.SimpleRequest{Payload: payload(size), ResponseSize: int32(size)}))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Msg.GetPayload().GetBody(); !bytes.Equal(got, make([]byte, size)) || r.Trailer().Get("x-bearer") == "" {
			t.Errorf("%d bytes came as %d, trailers %v", size, len(got), r.Trailer())
		}
	}
	_, err := calls.CallUnary(t.Context(), connect.NewRequest(&test.SimpleRequest{ResponseStatus: &test.EchoStatus{Code: int32(connect.CodeDataLoss), Message: "gone"}}))
	if connect.CodeOf(err) != connect.CodeDataLoss {
		t.Errorf("a status came as %v", err)
	}

	streams := connect.NewClient[test.StreamingOutputCallRequest, test.StreamingOutputCallResponse](http.DefaultClient, w.URL+stream, connect.WithGRPCWeb(), secret)
	s, err := streams.CallServerStream(t.Context(), connect.NewRequest(&test.StreamingOutputCallRequest{ResponseParameters: []*test.ResponseParameters{{Size: 1}, {Size: 500_000}, {Size: 0}}}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, want := range []int{1, 500_000, 0} {
		if !s.Receive() || len(s.Msg().GetPayload().GetBody()) != want {
			t.Fatalf("want a message of %d bytes: %v", want, s.Err())
		}
	}
	if s.Receive() || s.Err() != nil {
		t.Errorf("after the last message: %v", s.Err())
	}
}

type plainError struct{ text string }

func (e *plainError) Error() string { return e.text }

// secretHeader adds the proxy's secret to calls.
type secretHeader string

func (s secretHeader) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set("tokentoss-secret", string(s))
		return next(ctx, r)
	}
}

func (s secretHeader) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		c := next(ctx, spec)
		c.RequestHeader().Set("tokentoss-secret", string(s))
		return c
	}
}

func (s secretHeader) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
