package iapgrpc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	"github.com/tokentoss/tokentoss/core/iap"
)

// Options configure [Credentials].
type Options struct {
	// Origins are the services that may see the token, such as https://app.example.com,
	// as in [iap.Options].
	Origins []string

	// InsecureLoopback also allows connections without TLS to origins such as
	// http://127.0.0.1:8080, on this machine only.
	InsecureLoopback bool
}

// Credentials send an ID token with each call, and renew it when IAP refuses it. They are
// safe for concurrent use, by any number of connections.
type Credentials struct {
	src  iap.TokenSource
	opts iap.Options
}

var _ credentials.PerRPCCredentials = (*Credentials)(nil)

// New makes credentials that send tokens of src.
func New(src iap.TokenSource, opts Options) (*Credentials, error) {
	c := &Credentials{src: src, opts: iap.Options{Origins: opts.Origins, InsecureLoopback: opts.InsecureLoopback}}
	// Nothing is sent by it: it knows which options cannot be used.
	if _, err := iap.NewTransport(src, c.opts); err != nil {
		return nil, err
	}
	return c, nil
}

// NewClient makes a connection to the service at target, HOST or HOST:PORT, by TLS with the
// certificates that the system trusts, and with credentials for that service alone. More
// options may replace them, as [grpc.WithTransportCredentials] does. The caller closes it.
func NewClient(src iap.TokenSource, target string, more ...grpc.DialOption) (*grpc.ClientConn, error) {
	if strings.Contains(target, "/") {
		return nil, fmt.Errorf("iapgrpc: %q is not HOST:PORT, like app.example.com:443: for another kind of target, give the options of New to grpc.NewClient", target)
	}
	c, err := New(src, Options{Origins: []string{"https://" + target}})
	if err != nil {
		return nil, err
	}
	if _, port, _ := strings.Cut(target[strings.LastIndexByte(target, ']')+1:], ":"); port == "" {
		target += ":443"
	}
	options := append(c.DialOptions(), grpc.WithTransportCredentials(credentials.NewTLS(nil)))
	return grpc.NewClient(target, append(options, more...)...)
}

// DialOptions are those of [grpc.NewClient] with which a connection sends the token and
// renews it. Its transport credentials are the caller's to choose.
func (c *Credentials) DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithPerRPCCredentials(c),
		grpc.WithChainUnaryInterceptor(c.Unary),
		grpc.WithChainStreamInterceptor(c.Stream),
	}
}

// RequireTransportSecurity implements [credentials.PerRPCCredentials].
func (c *Credentials) RequireTransportSecurity() bool { return !c.opts.InsecureLoopback }

// GetRequestMetadata implements [credentials.PerRPCCredentials]. uri begins with the
// authority of the call.
func (c *Credentials) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	to, err := origin(ctx, uri)
	if err != nil {
		return nil, callError(err)
	}
	if ok, err := c.opts.Allows(to); err != nil || !ok {
		e := &iap.OriginError{Origin: to.String(), Reason: "it is not in the list of origins (" + strings.Join(c.opts.Origins, ", ") + "): add it there if it may see the token"}
		return nil, callError(errors.Join(e, err))
	}
	token, err := c.src.IDToken(ctx)
	if err == nil && token.Value == "" {
		err = errors.New("the token source gave an empty one")
	}
	if err != nil {
		return nil, callError(fmt.Errorf("iap: no token for %s: %w", to, err))
	}
	sent(ctx, to.String(), token)
	own, _ := metadata.FromOutgoingContext(ctx)
	name := "authorization"
	if len(own.Get(name)) > 0 {
		name = "proxy-authorization"
	}
	if len(own.Get(name)) > 0 {
		return nil, callError(&iap.HeaderError{Origin: to.String(), Header: name})
	}
	md := map[string]string{name: "Bearer " + token.Value.Reveal()}
	if len(own.Get(requestedWith)) == 0 {
		md[requestedWith] = "XMLHttpRequest" // 401 rather than a redirect
	}
	return md, nil
}

const requestedWith = "x-requested-with"

// origin is where a call goes: grpc-go writes https whether or not the connection is secure.
func origin(ctx context.Context, uri []string) (*url.URL, error) {
	if len(uri) != 1 {
		return nil, fmt.Errorf("a call with %d addresses", len(uri))
	}
	u, err := url.Parse(uri[0])
	if err != nil {
		return nil, errors.New("a call whose authority is not HOST:PORT")
	}
	to := &url.URL{Scheme: "https", Host: u.Host, User: u.User}
	info, _ := credentials.RequestInfoFromContext(ctx)
	if credentials.CheckSecurityLevel(info.AuthInfo, credentials.PrivacyAndIntegrity) != nil {
		to.Scheme = "http"
	}
	return to, nil
}
