package plugins_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/stores/file"
)

// A tap keeps what goes down to a frontend, as the bytes on the connection and as
// messages, and what goes up.
type tap struct {
	mu       sync.Mutex
	down, up bytes.Buffer
}

func (p *tap) keep(to *bytes.Buffer, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to.Write(data)
}

// tappedConn keeps what the plugin's side reads.
type tappedConn struct {
	net.Conn
	tap *tap
}

func (c tappedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tap.keep(&c.tap.down, p[:n])
	return n, err
}

// tappedStream keeps messages whole: the bytes have frames between them.
type tappedStream struct {
	grpc.ServerStream
	tap *tap
}

func (s tappedStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	s.keep(&s.tap.down, m)
	return err
}

func (s tappedStream) SendMsg(m any) error {
	s.keep(&s.tap.up, m)
	return s.ServerStream.SendMsg(m)
}

func (s tappedStream) keep(to *bytes.Buffer, m any) {
	data, err := proto.Marshal(m.(proto.Message))
	if err != nil {
		panic(err)
	}
	s.tap.keep(to, data)
}

// tapped serves a plugin with a tap.
func tapped(t *testing.T, p plugins.Plugin) (*grpc.ClientConn, *tap) {
	t.Helper()
	tap := &tap{}
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.WaitForHandlers(true), grpc.StreamInterceptor(
		func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			return handle(srv, tappedStream{ss, tap})
		}))
	p.Register(server, nil)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(tappedListener{listener, tap}) })
	conn, err := grpc.NewClient("passthrough:///plugin", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		serving.Wait()
	})
	return conn, tap
}

type tappedListener struct {
	net.Listener
	tap *tap
}

func (l tappedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return tappedConn{c, l.tap}, err
}

// A knownStore is a store that knows the secrets that were ever in it.
type knownStore struct {
	*file.Store
	mu      sync.Mutex
	secrets []string
}

// Save implements [core.TokenStore].
func (s *knownStore) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	var doc struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal(r.Data, &doc); err != nil {
		return core.Record{}, err
	}
	s.mu.Lock()
	s.secrets = append(s.secrets, doc.AccessToken, doc.RefreshToken)
	s.mu.Unlock()
	return s.Store.Save(ctx, key, r)
}

// A consentFlow asks the frontend to show the page, and has the emulator's own
// browser consent.
type consentFlow struct {
	emu    *emulator.Emulator
	client *oidc.Client
}

// SignIn implements [core.Flow].
func (f consentFlow) SignIn(ctx context.Context, p core.Prompter) (*core.Token, error) {
	provider, err := f.client.Provider(ctx)
	if err != nil {
		return nil, err
	}
	const redirect = "http://127.0.0.1:1/callback"
	r := oidc.AuthRequest{RedirectURI: redirect, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	page := f.client.AuthCodeURL(provider, r)
	answer, err := p.Prompt(ctx, core.Prompt{URL: page, RedirectURL: redirect})
	if err != nil || answer != "shown" {
		return nil, errors.Join(err, fmt.Errorf("the answer is %q", answer))
	}
	back, err := f.emu.Authorize(ctx, page, "ada@example.com")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(back)
	if err != nil {
		return nil, err
	}
	return f.client.Exchange(ctx, u.Query().Get("code"), redirect, r.Verifier, r.Nonce)
}

// tappedRun is what the frontend of TestNothingSecretGoesDown does.
func tappedRun(ctx context.Context, app core.App, secrets core.ClientSecrets) error {
	watch, err := app.Watch(ctx)
	if err != nil {
		return err
	}
	<-watch
	if err := app.Configure(ctx, secrets); err != nil {
		return err
	}
	signIn := func() error {
		_, err := app.SignIn(ctx, core.PrompterFunc(func(context.Context, core.Prompt) (string, error) { return "shown", nil }))
		return err
	}
	if err := signIn(); err != nil {
		return err
	}
	if st, err := app.Status(ctx); err != nil || st.State != core.SignedIn {
		return fmt.Errorf("%v: %w", st, err)
	}
	token, err := app.IDToken(ctx)
	if err != nil {
		return err
	}
	if _, err := app.Renew(ctx, token); err != nil {
		return err
	}
	if err := signIn(); err != nil { // over a session
		return err
	}
	if err := app.SignOut(ctx); err != nil {
		return err
	}
	_, err = app.IDToken(ctx)
	return err
}

// TestNothingSecretGoesDown taps all that a frontend is told, from the first sign-in
// to the last sign-out.
func TestNothingSecretGoesDown(t *testing.T) {
	t.Parallel()
	emu, err := emulator.Start(bounded(t), emulator.Options{Accounts: []emulator.Account{{Email: "ada@example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer emu.Close()
	secrets, err := oidc.ParseClientSecrets(emu.ClientSecrets())
	if err != nil {
		t.Fatal(err)
	}
	files, err := file.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store := &knownStore{Store: files, secrets: []string{secrets.ClientSecret.Reveal()}}
	session, err := core.NewSession(core.SessionOptions{
		Store: store, Provider: oidc.ProviderOptions{InsecureLoopback: true},
		Flow: func(c *oidc.Client) core.Flow { return consentFlow{emu, c} },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	type config struct{}
	p := plugins.Frontend(plugins.Info{Name: "tapped", Version: "v1"}, func(context.Context, plugins.Opening[config]) (core.Frontend, error) {
		return frontendFunc(func(ctx context.Context, app core.App) error { return tappedRun(ctx, app, secrets) }), nil
	})
	conn, tap := tapped(t, p)
	if err := host.FrontendOver(conn, host.Use{Plugin: "tapped"}).Run(bounded(t), session); !errors.Is(err, core.ErrSignInNeeded) {
		t.Errorf("Run: %v, want a sign-in needed", err)
	}
	tap.mu.Lock()
	defer tap.mu.Unlock()
	down, up := tap.down.String(), tap.up.String()
	if len(store.secrets) < 7 {
		t.Fatalf("only %d secrets were seen: two sign-ins and a renewal have two each", len(store.secrets))
	}
	for _, secret := range store.secrets {
		if secret == "" || strings.Contains(down, secret) || strings.Contains(down, url.QueryEscape(secret)) {
			t.Errorf("a secret that begins with %.6q went down", secret)
		}
	}
	for _, mark := range []string{"ya29.", "1//0", "GOCSPX-", "4/0A"} {
		if strings.Contains(down, mark) {
			t.Errorf("something that begins with %s went down", mark)
		}
	}
	// The tap works: what should cross does.
	if !strings.Contains(up, secrets.ClientSecret.Reveal()) || strings.Count(down, "eyJ") < 2 || !strings.Contains(down, "ada@example.com") {
		t.Error("the tap missed the client going up, or ID tokens going down")
	}
}
