package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	test "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// A callee is a service of gRPC, of the protocol's own interoperability tests.
type callee struct {
	test.UnimplementedTestServiceServer
	given chan context.Context // those of UnaryCalls that wait
}

// UnaryCall gives the status, or the payload, that it is asked for. Without a payload it
// waits for the end of the call.
func (s *callee) UnaryCall(ctx context.Context, in *test.SimpleRequest) (*test.SimpleResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	_ = grpc.SetHeader(ctx, metadata.MD{"x-initial": md["x-initial"]})
	_ = grpc.SetTrailer(ctx, metadata.MD{"x-trailing-bin": md["x-trailing-bin"]})
	switch st := in.GetResponseStatus(); {
	case st != nil:
		return nil, status.Error(codes.Code(st.GetCode()), st.GetMessage())
	case in.GetPayload() == nil:
		s.given <- ctx
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &test.SimpleResponse{Payload: &test.Payload{Body: bytes.Repeat([]byte("x"), int(in.GetResponseSize()))}}, nil
}

// StreamingInputCall gives the sum of what it got.
func (s *callee) StreamingInputCall(in grpc.ClientStreamingServer[test.StreamingInputCallRequest, test.StreamingInputCallResponse]) error {
	sum := 0
	for {
		m, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return in.SendAndClose(&test.StreamingInputCallResponse{AggregatedPayloadSize: int32(sum)})
		}
		if err != nil {
			return err
		}
		sum += len(m.GetPayload().GetBody())
	}
}

// StreamingOutputCall gives what it is asked for, each part when it was asked for it.
func (s *callee) StreamingOutputCall(in *test.StreamingOutputCallRequest, out grpc.ServerStreamingServer[test.StreamingOutputCallResponse]) error {
	for _, p := range in.GetResponseParameters() {
		if err := out.Send(&test.StreamingOutputCallResponse{Payload: &test.Payload{Body: make([]byte, p.GetSize())}}); err != nil {
			return err
		}
	}
	return nil
}

// FullDuplexCall sends its headers at once, then answers each message with itself.
func (s *callee) FullDuplexCall(stream grpc.BidiStreamingServer[test.StreamingOutputCallRequest, test.StreamingOutputCallResponse]) error {
	if err := stream.SendHeader(metadata.Pairs("x-ready", "yes")); err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&test.StreamingOutputCallResponse{Payload: m.GetPayload()}); err != nil {
			return err
		}
	}
}

// call serves a callee over HTTP/2, by TLS or without, behind guard.
func call(t *testing.T, tls bool, guard func(http.Handler) http.Handler) (*httptest.Server, *callee) {
	c := &callee{given: make(chan context.Context, 16)}
	g := grpc.NewServer()
	test.RegisterTestServiceServer(g, c)
	s := httptest.NewUnstartedServer(guard(g))
	s.EnableHTTP2 = true
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetHTTP2(tls)
	s.Config.Protocols.SetUnencryptedHTTP2(!tls)
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		g.Stop()
	})
	return s, c
}

func open(h http.Handler) http.Handler { return h }

// calling is a proxy for a callee, and a client of it.
func calling(t *testing.T, app core.App, s *httptest.Server) (*world, test.TestServiceClient) {
	config, opts := proxy.Config{Targets: []string{s.URL}}, proxy.Options{}
	if s.TLS != nil {
		base := proxy.NewBase()
		base.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		opts.Base = base
	}
	w := start(t, app, config, opts)
	return w, w.caller(t, w.Secret.Reveal())
}

// caller is a client that knows nothing but the proxy's address, and a header.
func (w *world) caller(t *testing.T, secret string, more ...grpc.DialOption) test.TestServiceClient {
	add := func(ctx context.Context) context.Context {
		return metadata.AppendToOutgoingContext(ctx, "tokentoss-secret", secret)
	}
	c, err := grpc.NewClient(strings.TrimPrefix(w.URL, "http://"), append(more,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, in, out any, c *grpc.ClientConn, next grpc.UnaryInvoker, o ...grpc.CallOption) error {
			return next(add(ctx), method, in, out, c, o...)
		}),
		grpc.WithStreamInterceptor(func(ctx context.Context, d *grpc.StreamDesc, c *grpc.ClientConn, method string, next grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
			return next(add(ctx), d, c, method, o...)
		}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return test.NewTestServiceClient(c)
}

func payload(n int) *test.Payload { return &test.Payload{Body: make([]byte, n)} }

// bothWays runs a test with services that speak TLS and others.
func bothWays(t *testing.T, run func(t *testing.T, tls bool)) {
	for _, tls := range []bool{true, false} {
		t.Run(map[bool]string{true: "TLS", false: "in clear"}[tls], func(t *testing.T) { run(t, tls) })
	}
}

// Metadata, trailers, messages of every size, compressed or not, and the status arrive as
// they were sent.
func TestGRPCUnary(t *testing.T) {
	bothWays(t, func(t *testing.T, tls bool) {
		s, _ := call(t, tls, open)
		_, c := calling(t, &ada{}, s)
		for _, size := range []int{0, 1, 1 << 10, 3 << 20} {
			for _, o := range [][]grpc.CallOption{nil, {grpc.UseCompressor(gzip.Name)}} {
				var header, trailer metadata.MD
				ctx := metadata.AppendToOutgoingContext(t.Context(), "x-initial", "a", "x-initial", "b", "x-trailing-bin", "\x00\xff")
				r, err := c.UnaryCall(ctx, &test.SimpleRequest{Payload: payload(size), ResponseSize: int32(size)}, append(o, grpc.Header(&header), grpc.Trailer(&trailer))...)
				if err != nil || len(r.GetPayload().GetBody()) != size {
					t.Fatalf("%d bytes: %v", size, err)
				}
				if fmt.Sprint(header["x-initial"]) != "[a b]" || fmt.Sprint(trailer["x-trailing-bin"]) != "[\x00\xff]" {
					t.Errorf("%v %q", header, trailer)
				}
			}
		}
		want := status.New(codes.DataLoss, "\t100 % of the data, ünd a\nline")
		_, err := c.UnaryCall(t.Context(), &test.SimpleRequest{ResponseStatus: &test.EchoStatus{Code: int32(want.Code()), Message: want.Message()}})
		if got := status.Convert(err); got.Code() != want.Code() || got.Message() != want.Message() {
			t.Errorf("%v, not %v", got, want)
		}
		if _, err := c.UnimplementedCall(t.Context(), &test.Empty{}); status.Code(err) != codes.Unimplemented {
			t.Error(err)
		}
	})
}

// Each message goes on when it comes, in either direction.
func TestGRPCStreams(t *testing.T) {
	bothWays(t, func(t *testing.T, tls bool) {
		s, _ := call(t, tls, open)
		_, c := calling(t, &ada{}, s)
		up, err := c.StreamingInputCall(t.Context())
		for i := 0; i < 100 && err == nil; i++ {
			err = up.Send(&test.StreamingInputCallRequest{Payload: payload(10_000)})
		}
		if err != nil {
			t.Fatal(err)
		}
		if sum, err := up.CloseAndRecv(); err != nil || sum.GetAggregatedPayloadSize() != 1_000_000 {
			t.Errorf("%v %v", sum, err)
		}
		down, err := c.StreamingOutputCall(t.Context(), &test.StreamingOutputCallRequest{ResponseParameters: []*test.ResponseParameters{{Size: 1}, {Size: 500_000}, {Size: 0}}})
		for _, want := range []int{1, 500_000, 0} {
			if err != nil {
				t.Fatal(err)
			}
			var m *test.StreamingOutputCallResponse
			if m, err = down.Recv(); len(m.GetPayload().GetBody()) != want {
				t.Fatal(err)
			}
		}
		if _, err := down.Recv(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		pingPong(t, c)
	})
}

// pingPong sends a message when the one before was answered.
func pingPong(t *testing.T, c test.TestServiceClient) {
	t.Helper()
	both, err := c.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if header, err := both.Header(); err != nil || fmt.Sprint(header["x-ready"]) != "[yes]" {
		t.Fatalf("headers before any message: %v %v", header, err)
	}
	for size := range 5 {
		err := both.Send(&test.StreamingOutputCallRequest{Payload: payload(size * 1000)})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := both.Recv(); err != nil || len(m.GetPayload().GetBody()) != size*1000 {
			t.Fatalf("%d: %v", size, err)
		}
	}
	_ = both.CloseSend()
	if _, err := both.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// The service knows the deadline of a call, and that it was given up.
func TestGRPCDeadline(t *testing.T) {
	bothWays(t, func(t *testing.T, tls bool) {
		s, callee := call(t, tls, open)
		_, c := calling(t, &ada{}, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		result := make(chan error, 1)
		go func() {
			_, err := c.UnaryCall(ctx, &test.SimpleRequest{})
			result <- err
		}()
		var there context.Context
		select {
		case there = <-callee.given:
		case err := <-result:
			t.Fatal(err)
		}
		if d, ok := there.Deadline(); !ok || time.Until(d) > time.Hour {
			t.Errorf("the service sees the deadline %v", d)
		}
		cancel()
		if err := <-result; status.Code(err) != codes.Canceled {
			t.Error(err)
		}
		<-there.Done()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.UnaryCall(ctx, &test.SimpleRequest{}); status.Code(err) != codes.DeadlineExceeded {
			t.Error(err)
		}
	})
}

// Any number of calls share a connection on either side.
func TestGRPCUsesOneConnection(t *testing.T) {
	bothWays(t, func(t *testing.T, tls bool) {
		var versions, addresses sync.Map
		s, _ := call(t, tls, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				versions.Store(r.Proto, true)
				addresses.Store(r.RemoteAddr, true)
				h.ServeHTTP(w, r)
			})
		})
		_, c := calling(t, &ada{}, s)
		var all sync.WaitGroup
		defer all.Wait()
		pingPong(t, c) // there is a connection
		for range 64 {
			all.Go(func() { pingPong(t, c) })
		}
		all.Wait()
		n := 0
		addresses.Range(func(_, _ any) bool { n++; return true })
		if _, ok := versions.Load("HTTP/2.0"); !ok || n != 1 {
			t.Errorf("%d connections to the service", n)
		}
	})
}

// A token that IAP refuses is renewed, and the call made again, once: before the caller
// notices, and whether or not its last message was sent.
func TestGRPCRenews(t *testing.T) {
	for name, refuse := range map[string]func(w http.ResponseWriter){
		"401": func(w http.ResponseWriter) { refused(w, http.StatusUnauthorized) },
		"302": func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://accounts.google.com/o/oauth2/v2/auth?state=x")
			refused(w, http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, tls bool) {
				app := &ada{}
				wanted := atomic.Uint64{}
				s, _ := call(t, tls, func(h http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if len(r.Header.Get("Authorization")) < len("Bearer token-")+int(wanted.Load()) {
							if wanted.Load() == 4 { // a stream that is reset in the midst of the body shows no answer
								_, _ = io.Copy(io.Discard, r.Body)
							}
							refuse(w)
							return
						}
						h.ServeHTTP(w, r)
					})
				})
				_, c := calling(t, app, s)
				wanted.Store(1)
				if _, err := c.UnaryCall(t.Context(), &test.SimpleRequest{Payload: payload(10_000)}); err != nil {
					t.Error(err)
				}
				wanted.Store(2)
				pingPong(t, c)
				if n := app.renewed.Load(); n != 2 {
					t.Errorf("%d renewals", n)
				}
				wanted.Store(9)
				if _, err := c.UnaryCall(t.Context(), &test.SimpleRequest{Payload: payload(1)}); status.Code(err) != codes.Unauthenticated || app.renewed.Load() != 3 {
					t.Errorf("%v, after %d renewals", err, app.renewed.Load())
				}
				wanted.Store(4)
				large := &test.SimpleRequest{Payload: payload(200_000)}
				if _, err := c.UnaryCall(t.Context(), large); err != nil && status.Code(err) != codes.Unavailable {
					t.Errorf("a large call: %v", err) // which may be refused before much of it is sent
				}
				if _, err := c.UnaryCall(t.Context(), large); err != nil {
					t.Errorf("a large call again: %v", err)
				}
			})
		})
	}
}

// What the proxy has to say, it says in a status of gRPC, with what to do next.
func TestGRPCErrors(t *testing.T) {
	s, _ := call(t, false, open)
	app := &ada{}
	w, c := calling(t, app, s)
	ask := func(c test.TestServiceClient) *status.Status {
		_, err := c.UnaryCall(t.Context(), &test.SimpleRequest{Payload: payload(1)})
		return status.Convert(err)
	}
	expect := func(what string, got *status.Status, code codes.Code, says string) {
		t.Helper()
		if got.Code() != code || !strings.Contains(got.Message(), says) {
			t.Errorf("%s: %v, not %s", what, got, code)
		}
	}
	expect("without the secret", ask(w.caller(t, "wrong")), codes.Unauthenticated, "Tokentoss-Secret")
	expect("for another host", ask(w.caller(t, w.Secret.Reveal(), grpc.WithAuthority("app.example.com"))), codes.InvalidArgument, "use the address")
	for _, d := range []struct {
		kind fault.Kind
		code codes.Code
		says string
	}{
		{fault.SignInNeeded, codes.Unauthenticated, "run tokentoss login"},
		{fault.NotConfigured, codes.FailedPrecondition, "run tokentoss configure"},
		{fault.Offline, codes.Unavailable, "online"},
		{fault.Locked, codes.Unavailable, ""},
	} {
		err := error(&fault.Error{Kind: d.kind, Problem: "because"})
		app.fail.Store(&err)
		expect(string(d.kind), ask(c), d.code, d.says)
	}
	app.fail.Store(nil)
	expect("signed in", ask(c), codes.OK, "")
	s.Listener.Close()
	s.CloseClientConnections()
	expect("the service is down", ask(c), codes.Unavailable, "see whether the service runs")
}

// IAP's 403 is PERMISSION_DENIED, with who lacks what.
func TestGRPCNoAccess(t *testing.T) {
	s, _ := call(t, true, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { refused(w, http.StatusForbidden) })
	})
	_, c := calling(t, &ada{}, s)
	_, err := c.UnaryCall(t.Context(), &test.SimpleRequest{Payload: payload(1)})
	if st := status.Convert(err); st.Code() != codes.PermissionDenied || !strings.Contains(st.Message(), email) || !strings.Contains(st.Message(), "roles/iap.httpsResourceAccessor") {
		t.Error(err)
	}
}

// A service that breaks off an answer is unavailable; it is no fault of the call.
func TestGRPCBrokenOff(t *testing.T) {
	bothWays(t, func(t *testing.T, tls bool) {
		s, _ := call(t, tls, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/grpc")
				_, _ = w.Write([]byte{0, 0, 0, 0, 0}) // an empty message
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})
		})
		_, c := calling(t, &ada{}, s)
		down, err := c.StreamingOutputCall(t.Context(), &test.StreamingOutputCallRequest{})
		for err == nil {
			_, err = down.Recv()
		}
		if st := status.Convert(err); st.Code() != codes.Unavailable || !strings.Contains(st.Message(), "broke off") {
			t.Error(err)
		}
	})
}

// Streams that are open do not keep the proxy from ending.
func TestGRPCEndsWithTheProxy(t *testing.T) {
	s, _ := call(t, false, open)
	w, c := calling(t, &ada{}, s)
	both, err := c.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := both.Header(); err != nil {
		t.Fatal(err)
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if _, err := both.Recv(); err == nil {
		t.Error("the stream goes on")
	}
}

// curl --http2 asks to change to HTTP/2 in the way that has been given up. It is answered
// in HTTP/1.1, and the service is not asked.
func TestUpgradeToHTTP2(t *testing.T) {
	w := inTLS(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header["Upgrade"], r.Header["Http2-Settings"])
	})
	res, body := w.do(t, get(t, w.URL+"/", "Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c", "HTTP2-Settings", "AAMAAABk"))
	if res.StatusCode != http.StatusOK || body != "[] []" {
		t.Errorf("%s %s", res.Status, body)
	}
}

// Who begins with HTTP/2 and then sends something else, or nothing, goes like any other.
func TestHalfOfHTTP2(t *testing.T) {
	w := in(t, func(http.ResponseWriter, *http.Request) {})
	for _, sent := range []string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"} {
		c, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, sent)
		_ = c.(*net.TCPConn).CloseWrite()
		if answer, _ := io.ReadAll(c); bytes.Contains(answer, []byte("200")) {
			t.Errorf("%q: %q", sent, answer)
		}
		c.Close()
	}
}
