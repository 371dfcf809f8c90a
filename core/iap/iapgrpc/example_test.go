package iapgrpc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/iap/iapgrpc"
)

// A signedIn stands for a core.Session, or a profile.Profile, whose tokens these examples do
// not need to be real.
type signedIn struct{}

func (signedIn) IDToken(context.Context) (core.IDToken, error) {
	return core.IDToken{Value: "first-token", Email: "ada@example.com", Audience: "client-id", Generation: 1}, nil
}

func (signedIn) Renew(context.Context, core.IDToken) (core.IDToken, error) {
	return core.IDToken{Value: "second-token", Email: "ada@example.com", Audience: "client-id", Generation: 2}, nil
}

// serve is a service with TLS that says which token a call has. trust is for its clients.
func serve() (address string, trust credentials.TransportCredentials, stop func()) {
	borrowed := httptest.NewTLSServer(nil)
	defer borrowed.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(borrowed.Certificate())

	server := grpc.NewServer(
		grpc.Creds(credentials.NewServerTLSFromCert(&borrowed.TLS.Certificates[0])),
		grpc.UnaryInterceptor(func(ctx context.Context, in any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			md, _ := metadata.FromIncomingContext(ctx)
			fmt.Println("the service sees", md.Get("authorization"))
			return next(ctx, in)
		}))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(l) }()
	return l.Addr().String(), credentials.NewTLS(&tls.Config{RootCAs: trusted}), func() { server.Stop(); <-served }
}

func ExampleNewClient() {
	address, trust, stop := serve()
	defer stop()

	// Only so that this example trusts its own server; else no option is needed.
	conn, err := iapgrpc.NewClient(signedIn{}, address, grpc.WithTransportCredentials(trust))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	fmt.Println(answer.GetStatus(), err)
	// Output:
	// the service sees [Bearer first-token]
	// SERVING <nil>
}

func ExampleCredentials() {
	address, trust, stop := serve()
	defer stop()

	// The credentials of one service, with a connection that leads to another.
	creds, err := iapgrpc.New(signedIn{}, iapgrpc.Options{Origins: []string{"https://app.example.com"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := grpc.NewClient(address, append(creds.DialOptions(), grpc.WithTransportCredentials(trust))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	_, err = grpc_health_v1.NewHealthClient(conn).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	var elsewhere *iap.OriginError
	fmt.Println(errors.As(err, &elsewhere), status.Code(err) == codes.Unauthenticated)
	// Output:
	// true true
}
