package iapgrpc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	test "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/iap/iapgrpc"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
	"github.com/tokentoss/tokentoss/stores/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const email = "ada@example.com"

// A service answers with what it got. Its calls are of the protocol's own interoperability
// tests.
type service struct {
	test.UnimplementedTestServiceServer
	calls atomic.Int64
	last  atomic.Pointer[metadata.MD]
}

func (s *service) note(ctx context.Context) {
	s.calls.Add(1)
	md, _ := metadata.FromIncomingContext(ctx)
	s.last.Store(&md)
}

func (s *service) UnaryCall(ctx context.Context, in *test.SimpleRequest) (*test.SimpleResponse, error) {
	s.note(ctx)
	if st := in.GetResponseStatus(); st != nil {
		return nil, status.Error(codes.Code(st.GetCode()), st.GetMessage())
	}
	return &test.SimpleResponse{Payload: in.GetPayload()}, nil
}

func (s *service) FullDuplexCall(stream grpc.BidiStreamingServer[test.StreamingOutputCallRequest, test.StreamingOutputCallResponse]) error {
	s.note(stream.Context())
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

func (s *service) StreamingInputCall(in grpc.ClientStreamingServer[test.StreamingInputCallRequest, test.StreamingInputCallResponse]) error {
	s.note(in.Context())
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

// A world is a service behind IAP, somebody who is signed in, and a connection.
type world struct {
	*emulator.Emulator
	service *service
	session *core.Session
	trust   credentials.TransportCredentials
	client  test.TestServiceClient
}

func (w *world) target() string { return strings.TrimPrefix(w.IAPURL(), "https://") }

func begin(t testing.TB) *world {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{service: &service{}}
	server := grpc.NewServer()
	test.RegisterTestServiceServer(server, w.service)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() { server.Stop(); <-served })
	w.Emulator = emulatortest.Start(t, emulator.Options{TLS: true, AutoConsent: email, Upstream: "h2c://" + l.Addr().String()})
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(w.CA())
	w.trust = credentials.NewTLS(&tls.Config{RootCAs: trusted})
	w.session = signIn(t, w.Emulator, &tls.Config{RootCAs: trusted})
	w.client = w.connect(t)
	return w
}

// signIn is a session of somebody who agrees to everything.
func signIn(t testing.TB, e *emulator.Emulator, config *tls.Config) *core.Session {
	secrets, err := oidc.ParseClientSecrets(e.ClientSecrets())
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: config}
	client, err := oidc.NewClient(secrets, oidc.ProviderOptions{Transport: transport, InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := core.NewSession(core.SessionOptions{Client: client, Store: memory.New(), Flow: authcode.New(authcode.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		transport.CloseIdleConnections()
	})
	if _, err := s.SignIn(t.Context(), core.PrompterFunc(func(_ context.Context, p core.Prompt) (string, error) {
		res, err := (&http.Client{Transport: transport}).Get(p.URL)
		if err != nil {
			return "", err
		}
		return "", res.Body.Close()
	})); err != nil {
		t.Fatal(err)
	}
	return s
}

// connect makes a connection as a program does, but for whom it trusts.
func (w *world) connect(t testing.TB, more ...grpc.DialOption) test.TestServiceClient {
	t.Helper()
	conn, err := iapgrpc.NewClient(w.session, w.target(), append([]grpc.DialOption{grpc.WithTransportCredentials(w.trust)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return test.NewTestServiceClient(conn)
}

// refuseFirst has IAP refuse the first call with a status.
func (w *world) refuseFirst(status int) {
	w.SetIAPPolicy(func(r emulator.IAPRequest) emulator.IAPDecision {
		if r.Number == 1 {
			return emulator.IAPDecision{Status: status, Text: "Invalid IAP credentials: Expired JWT"}
		}
		return r.Decision
	})
}

func payload(n int) *test.Payload { return &test.Payload{Body: make([]byte, n)} }
