package etcd

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// connect returns a client. It asks etcd for nothing, but for the check of the
// password, if there is one.
func connect(ctx context.Context, s settings) (*clientv3.Client, error) {
	tlsConfig, err := s.tls()
	if err != nil {
		return nil, err
	}
	password, err := s.password()
	if err != nil {
		return nil, err
	}
	// The client outlives ctx, but if ctx ends first there is none.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, end)
	client, err := clientv3.New(clientv3.Config{
		Endpoints: s.endpoints,
		Context:   life,
		TLS:       tlsConfig,
		Username:  s.Username,
		Password:  password,
		Logger:    zap.NewNop(), // it writes to standard error otherwise

		DialTimeout: s.timeout,
		// Once with a new token if the old one has expired. Beyond that the store
		// tries again itself: the client does so until the deadline, and forgets why.
		MaxUnaryRetries: 2,
		// Members refuse clients that ask more often than every five seconds.
		DialKeepAliveTime:    10 * time.Second,
		DialKeepAliveTimeout: s.timeout,
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			// gRPC would wait up to two minutes before it tries to connect again.
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: s.timeout,
		}), grpc.WithChainUnaryInterceptor(failFast)},
	})
	if !unhook() && err == nil {
		err = errors.Join(ctx.Err(), client.Close())
	}
	if err != nil {
		end()
		return nil, err
	}
	return client, nil
}

// failFast has calls fail as soon as no member can be reached, with the reason.
// etcd's client waits for one until the deadline, and the reason is lost.
func failFast(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return invoke(ctx, method, req, reply, conn, append(opts, grpc.WaitForReady(false))...)
}

// tls returns what https endpoints need.
func (s settings) tls() (*tls.Config, error) {
	if !s.secure {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		pem, err := readGiven(s.CAFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem.Data) {
			return nil, &fault.Error{Subject: s.CAFile, Problem: "there is no certificate in it", Remedy: fault.Say("set ca_file to a file in PEM")}
		}
	}
	if s.CertFile != "" {
		if _, err := s.certificate(); err != nil {
			return nil, err // rather now than in the middle of a handshake
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.certificate() }
	}
	return config, nil
}

func (s settings) certificate() (*tls.Certificate, error) {
	cert, err := readGiven(s.CertFile)
	if err != nil {
		return nil, err
	}
	key, err := readSecret(s.KeyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert.Data, key)
	if err != nil {
		return nil, &fault.Error{Subject: s.CertFile + " and " + s.KeyFile, Problem: "no certificate and its key", Err: err, Remedy: fault.Say("check cert_file and key_file")}
	}
	return &pair, nil
}

// password returns the first line of the password file.
func (s settings) password() (string, error) {
	if s.PasswordFile == "" {
		return "", nil
	}
	data, err := readSecret(s.PasswordFile)
	if err != nil {
		return "", err
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return "", &fault.Error{Subject: s.PasswordFile, Problem: "its first line is empty", Remedy: fault.Say("write the password of %s there", s.Username)}
	}
	return string(line), nil
}

// readGiven reads a file that a setting names, which a platform may have put there.
func readGiven(path string) (privatefile.Given, error) {
	given, err := privatefile.ReadGiven(path)
	return given, fileError(err)
}

// readSecret is readGiven for what others must not be able to read.
func readSecret(path string) ([]byte, error) {
	given, err := readGiven(path)
	if err != nil {
		return nil, err
	}
	data, err := given.Secret()
	return data, fileError(err)
}

// fileError keeps what is wrong with a file that a setting names from being taken for
// what is wrong with a session.
func fileError(err error) error {
	var e *core.Error
	if !errors.As(err, &e) {
		return err
	}
	own := &fault.Error{Subject: e.Subject, Problem: e.Problem, Err: e.Err, Remedy: fault.RemedyOf(err)}
	switch e.Kind {
	case core.ErrInsecure:
		own.Kind = core.ErrInsecure
	case core.ErrNotFound:
		own.Problem, own.Remedy = "there is no such file", fault.Say("check the settings")
	}
	return own
}
