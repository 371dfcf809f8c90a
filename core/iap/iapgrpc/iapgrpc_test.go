package iapgrpc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	test "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/iap/iapgrpc"
	"github.com/tokentoss/tokentoss/emulator"
)

// A call arrives as the person who is signed in, of every kind.
func TestCalls(t *testing.T) {
	w := begin(t)
	if r, err := w.client.UnaryCall(t.Context(), &test.SimpleRequest{Payload: payload(100)}); err != nil || len(r.GetPayload().GetBody()) != 100 {
		t.Fatal(err)
	}
	md := *w.service.last.Load()
	if got := md.Get("x-goog-authenticated-user-email"); len(got) != 1 || !strings.HasSuffix(got[0], email) {
		t.Errorf("the service sees %v", got)
	}
	pingPong(t, w.client)
	up(t, w.client, 10, 1000)
}

// What an application puts into Authorization arrives; the token goes beside it.
func TestOwnAuthorization(t *testing.T) {
	w := begin(t)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Key of-the-app")
	if _, err := w.client.UnaryCall(ctx, &test.SimpleRequest{}); err != nil {
		t.Fatal(err)
	}
	if got := (*w.service.last.Load()).Get("authorization"); len(got) != 1 || got[0] != "Key of-the-app" {
		t.Errorf("the service sees %v", got)
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "proxy-authorization", "Basic of-the-app")
	var e *iap.HeaderError
	if _, err := w.client.UnaryCall(ctx, &test.SimpleRequest{}); !errors.As(err, &e) {
		t.Error(err)
	}
}

// A token that IAP refuses is renewed, and the call made again, once, whatever IAP answers
// with.
func TestRenews(t *testing.T) {
	for _, refusal := range []int{http.StatusUnauthorized, http.StatusFound} {
		for name, do := range map[string]func(*testing.T, test.TestServiceClient){
			"unary": func(t *testing.T, c test.TestServiceClient) {
				if r, err := c.UnaryCall(t.Context(), &test.SimpleRequest{Payload: payload(100_000)}); err != nil || len(r.GetPayload().GetBody()) != 100_000 {
					t.Error(err)
				}
			},
			"both ways":         pingPong,
			"up":                func(t *testing.T, c test.TestServiceClient) { up(t, c, 10, 1000) },
			"receives first":    receivesFirst,
			"header and stream": headerFirst,
		} {
			t.Run(http.StatusText(refusal)+" "+name, func(t *testing.T) {
				w := begin(t)
				before, _ := w.session.IDToken(t.Context())
				w.refuseFirst(refusal)
				do(t, w.client)
				after, _ := w.session.IDToken(t.Context())
				if before.Value == after.Value || w.service.calls.Load() != 1 {
					t.Errorf("renewed: %t; the service was called %d times", before.Value != after.Value, w.service.calls.Load())
				}
			})
		}
	}
}

// Any number of refused calls cost one renewal.
func TestRenewsOnce(t *testing.T) {
	w := begin(t)
	var stale atomic.Pointer[string]
	first, _ := w.session.IDToken(t.Context())
	old := string(first.Value)
	stale.Store(&old)
	requests := len(w.Requests(emulator.Token))
	w.SetIAPPolicy(func(r emulator.IAPRequest) emulator.IAPDecision {
		if !r.Refreshed {
			return emulator.IAPDecision{Status: http.StatusUnauthorized}
		}
		return r.Decision
	})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := w.client.UnaryCall(t.Context(), &test.SimpleRequest{}); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() { pingPong(t, w.client) })
	}
	all.Wait()
	if n := len(w.Requests(emulator.Token)) - requests; n != 1 {
		t.Errorf("%d token requests", n)
	}
}

// What does not help is an error that names who, where and what to do, and is not tried
// again.
func TestRefusals(t *testing.T) {
	for _, d := range []struct {
		status  int
		code    codes.Code
		kind    fault.Kind
		renewed bool
		says    string
	}{
		{http.StatusUnauthorized, codes.Unauthenticated, fault.TokenRefused, true, "allowlist"},
		{http.StatusFound, codes.Unauthenticated, fault.TokenRefused, true, "allowlist"},
		{http.StatusForbidden, codes.PermissionDenied, fault.NoAccess, false, "roles/iap.httpsResourceAccessor"},
	} {
		w := begin(t)
		w.SetIAPPolicy(func(emulator.IAPRequest) emulator.IAPDecision {
			return emulator.IAPDecision{Status: d.status, Text: "Invalid IAP credentials: Expired JWT"}
		})
		_, unary := w.client.UnaryCall(t.Context(), &test.SimpleRequest{})
		var stream error
		if s, err := w.client.FullDuplexCall(t.Context()); err != nil {
			t.Error(err)
		} else {
			_, stream = s.Recv()
		}
		for _, err := range []error{unary, stream} {
			var refused *iap.RefusedError
			if !errors.As(err, &refused) || !errors.Is(err, d.kind) || status.Code(err) != d.code {
				t.Errorf("%d: %v", d.status, err)
				continue
			}
			if refused.Origin != w.IAPURL() || refused.Email != email || refused.StatusCode != d.status {
				t.Errorf("%d: %+v", d.status, refused)
			}
			if !strings.Contains(status.Convert(err).Message(), d.says) {
				t.Errorf("%d: %v", d.status, status.Convert(err).Message())
			}
		}
		var refused *iap.RefusedError
		if errors.As(unary, &refused); refused.Renewed != d.renewed {
			t.Errorf("%d: renewed %t", d.status, refused.Renewed)
		}
	}
}

// The status of the service itself is handed back, and nothing is renewed.
func TestStatusOfTheService(t *testing.T) {
	w := begin(t)
	before, _ := w.session.IDToken(t.Context())
	for _, code := range []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.Unknown} {
		_, err := w.client.UnaryCall(t.Context(), &test.SimpleRequest{ResponseStatus: &test.EchoStatus{Code: int32(code), Message: "the app says no"}})
		if status.Code(err) != code || status.Convert(err).Message() != "the app says no" {
			t.Error(err)
		}
	}
	if after, _ := w.session.IDToken(t.Context()); after.Value != before.Value {
		t.Error("the token was renewed")
	}
	s, err := w.client.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = s.CloseSend()
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// The token goes to no other authority, whatever the connection leads to, and never
// without TLS.
func TestOtherAuthority(t *testing.T) {
	w := begin(t)
	_, port, _ := strings.Cut(w.target(), ":")
	elsewhere := func(d ...grpc.DialOption) error {
		_, err := w.connect(t, d...).UnaryCall(t.Context(), &test.SimpleRequest{})
		return err
	}
	var wrong *iap.OriginError
	for name, err := range map[string]error{
		"authority":           elsewhere(grpc.WithAuthority("app.example.com")),
		"localhost":           elsewhere(grpc.WithAuthority("localhost:" + port)),
		"another port":        elsewhere(grpc.WithAuthority("127.0.0.1:1")),
		"user and password":   elsewhere(grpc.WithAuthority("ada@" + w.target())),
		"another's with ours": elsewhere(grpc.WithAuthority(w.target() + ".example.com")),
	} {
		if status.Code(err) == codes.OK || w.service.calls.Load() != 0 {
			t.Errorf("%s: it was sent", name)
		}
		if name == "localhost" && !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, r := range w.Requests(emulator.IAP) {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("the token went to %s", r.Host)
		}
	}
	if _, err := iapgrpc.NewClient(w.session, w.target(), grpc.WithTransportCredentials(insecure.NewCredentials())); err == nil {
		t.Error("a connection without TLS")
	}
	c, err := iapgrpc.New(w.session, iapgrpc.Options{Origins: []string{w.IAPURL()}, InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(w.target(), append(c.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if md, err := c.GetRequestMetadata(t.Context(), w.IAPURL()+"/service"); !errors.As(err, &wrong) {
		t.Errorf("without TLS %v %v", md != nil, err)
	}
	var _ credentials.PerRPCCredentials = c
}

// On this machine a service may have no TLS, if its origin says so.
func TestInsecureLoopback(t *testing.T) {
	w := begin(t)
	if _, err := iapgrpc.New(w.session, iapgrpc.Options{Origins: []string{"http://app.example.com"}, InsecureLoopback: true}); err == nil {
		t.Error("another machine without TLS")
	}
	c, err := iapgrpc.New(w.session, iapgrpc.Options{Origins: []string{"http://127.0.0.1:8080"}, InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	if md, err := c.GetRequestMetadata(t.Context(), "https://127.0.0.1:8080/service"); err != nil || !strings.HasPrefix(md["authorization"], "Bearer ey") {
		t.Error(err)
	}
}

// Who is signed out is told so, in a status that is not temporary.
func TestSignedOut(t *testing.T) {
	w := begin(t)
	if err := w.session.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := w.client.UnaryCall(t.Context(), &test.SimpleRequest{})
	if status.Code(err) != codes.Unauthenticated || !errors.Is(err, core.ErrSignInNeeded) || !strings.Contains(status.Convert(err).Message(), "sign in") {
		t.Error(err)
	}
}

// What cannot be the address of a service is said at once.
func TestTargets(t *testing.T) {
	w := begin(t)
	for _, target := range []string{"", "https://app.example.com", "dns:///app.example.com", "*.example.com", "app.example.com:port", "ada@app.example.com"} {
		if conn, err := iapgrpc.NewClient(w.session, target); err == nil {
			conn.Close()
			t.Errorf("%q is taken", target)
		}
	}
	for target, want := range map[string]string{"app.example.com": "app.example.com:443", "app.example.com:8443": "app.example.com:8443", "[::1]": "[::1]:443", "[::1]:8443": "[::1]:8443"} {
		conn, err := iapgrpc.NewClient(w.session, target)
		if err != nil {
			t.Errorf("%q: %v", target, err)
			continue
		}
		if got := conn.Target(); got != want {
			t.Errorf("%q leads to %q", target, got)
		}
		conn.Close()
	}
}

// A stream on which much was sent is not made again, and its error says so. The next one
// works.
func TestLargeStreamIsRefused(t *testing.T) {
	w := begin(t)
	w.refuseFirst(http.StatusUnauthorized)
	s, err := w.client.StreamingInputCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := s.Send(&test.StreamingInputCallRequest{Payload: payload(10_000)}); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CloseAndRecv(); status.Code(err) != codes.Unauthenticated || !strings.Contains(status.Convert(err).Message(), "make the call again") {
		t.Error(err)
	}
	up(t, w.client, 20, 10_000)
}

// A call that is given up is canceled, and nothing stays behind.
func TestCanceled(t *testing.T) {
	w := begin(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := w.client.FullDuplexCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Header(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := s.Recv(); status.Code(err) != codes.Canceled {
		t.Error(err)
	}
}

func pingPong(t *testing.T, c test.TestServiceClient) {
	t.Helper()
	s, err := c.FullDuplexCall(t.Context())
	if err != nil {
		t.Error(err)
		return
	}
	for size := range 5 {
		if err := s.Send(&test.StreamingOutputCallRequest{Payload: payload(size)}); err != nil {
			t.Error(err)
			return
		}
		if m, err := s.Recv(); err != nil || len(m.GetPayload().GetBody()) != size {
			t.Errorf("%d: %v", size, err)
			return
		}
	}
	_ = s.CloseSend()
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func up(t *testing.T, c test.TestServiceClient, n, size int) {
	t.Helper()
	s, err := c.StreamingInputCall(t.Context())
	for i := 0; i < n && err == nil; i++ {
		err = s.Send(&test.StreamingInputCallRequest{Payload: payload(size)})
	}
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.CloseAndRecv(); err != nil || m.GetAggregatedPayloadSize() != int32(n*size) {
		t.Errorf("%v %v", m, err)
	}
}

// receivesFirst has a goroutine that waits for messages before any is sent.
func receivesFirst(t *testing.T, c test.TestServiceClient) {
	s, err := c.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() { _, err := s.Recv(); got <- err }()
	if md, err := s.Header(); err != nil || md.Get("x-ready") == nil {
		t.Fatal(md, err)
	}
	if err := s.Send(&test.StreamingOutputCallRequest{Payload: payload(1)}); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
	_ = s.CloseSend()
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// headerFirst asks for the headers before it sends.
func headerFirst(t *testing.T, c test.TestServiceClient) {
	s, err := c.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if md, err := s.Header(); err != nil || md.Get("x-ready") == nil {
		t.Fatal(md, err)
	}
	if err := s.Send(&test.StreamingOutputCallRequest{Payload: payload(1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); err != nil {
		t.Error(err)
	}
	_ = s.CloseSend()
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
