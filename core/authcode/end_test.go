package authcode_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// A person who never answers; the error lists what the provider may have
// shown instead of redirecting, the old session is intact.
func TestTimeout(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	session, store := sessionWith(t, e, nil, authcode.Options{Timeout: time.Second})
	beginWith(t, e, throughSession(session)).finish()
	before := store.content()
	e.ResetCalls()

	s := beginWith(t, e, throughSession(session))
	_, err := s.outcome()
	te := errorAs[*authcode.TimeoutError](t, err)
	if te.After != time.Second || !errors.Is(err, core.ErrSignInTimeout) {
		t.Errorf("error is %v", err)
	}
	for _, cause := range []string{"admin_policy_enforced", "org_internal", "disallowed_useragent", "redirect_uri_mismatch", "invalid_client", "deleted_client"} {
		if !strings.Contains(err.Error(), cause) {
			t.Errorf("%s is not among the causes: %v", cause, err)
		}
	}
	<-s.stopped // the Prompter was told
	s.exchanged(0)
	if !bytes.Equal(store.content(), before) {
		t.Error("the old session changed")
	}
	if status, err := session.Status(context.Background()); err != nil || status.State != core.SignedIn {
		t.Errorf("status is %+v, %v", status, err)
	}
}

// The time limit is the person's: it ends with the redirect's arrival, not with
// the provider's answer.
func TestTimeoutIsThePersons(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{Timeout: time.Second})
	release := holdTokens(t, s.google)
	if a := get(t, s.agree()); a.status != http.StatusSeeOther {
		t.Fatalf("answered %d", a.status)
	}
	select {
	case <-s.ended:
		t.Errorf("ended while the provider was asked: %v", s.err)
	case <-time.After(time.Until(s.prompt.Deadline) + 100*time.Millisecond):
	}
	release()
	s.succeed()
}

// A caller with a time limit of its own gets its context's error.
func TestTimeoutOfTheCallersContext(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	s := beginWith(t, e, func(ctx context.Context, p core.Prompter) (*core.Token, error) {
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		return authcode.New(authcode.Options{})(newClient(t, e)).SignIn(ctx, p)
	})
	_, err := s.outcome()
	var te *authcode.TimeoutError
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &te) {
		t.Errorf("error is %v: it is the caller who did not wait", err)
	}
}

// The prompt closes when the redirect arrives, not only when the provider has
// answered: nobody should paste what is not needed any more.
func TestPromptEndsWithTheRedirect(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	release := holdTokens(t, s.google)
	get(t, s.agree())
	select {
	case <-s.stopped:
	case <-time.After(patience):
		t.Error("the prompt is still open")
	}
	release()
	s.succeed()
}

// A canceled sign-in ends with the context's error, and the Prompter with it.
func TestCancel(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	s := begin(t, e, authcode.Options{})
	s.cancel()
	if _, err := s.outcome(); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	<-s.stopped
	s.exchanged(0)

	// While the code is exchanged.
	release := holdTokens(t, e)
	defer release()
	s = begin(t, e, authcode.Options{})
	get(t, s.agree())
	asked(t, e)
	s.cancel()
	if _, err := s.outcome(); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// A context that is over already opens nothing and shows nothing.
func TestCanceledBefore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := authcode.New(authcode.Options{})(newClient(t, startGoogle(t, emulator.Options{}))).SignIn(ctx, core.PrompterFunc(
		func(context.Context, core.Prompt) (string, error) { return "", nil }))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// A Prompter that has nothing to say leaves the browser as the only way.
func TestPrompterReturnsAtOnce(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	s.paste("")
	s.waiting()
	s.finish()
}

// A Prompter that cannot prompt ends the sign-in.
func TestPrompterFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the terminal is gone")
	client := newClient(t, startGoogle(t, emulator.Options{}))
	_, err := authcode.New(authcode.Options{})(client).SignIn(bounded(t), core.PrompterFunc(
		func(context.Context, core.Prompt) (string, error) { return "", broken }))
	if !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
}

// A Prompter may be the browser itself, and return only when it has seen the
// last page.
func TestPrompterIsTheBrowser(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{AutoConsent: ada})
	var page string
	browser := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	token, err := authcode.New(authcode.Options{})(newClient(t, e)).SignIn(bounded(t), core.PrompterFunc(
		func(_ context.Context, p core.Prompt) (string, error) {
			resp, err := browser.Get(p.URL)
			if err != nil {
				return "", err
			}
			defer resp.Body.Close()
			var b bytes.Buffer
			_, err = b.ReadFrom(resp.Body)
			page = b.String()
			return "", err
		}))
	if err != nil {
		t.Fatal(err)
	}
	if token.IDToken == "" || !strings.Contains(page, "You are signed in as "+ada) {
		t.Errorf("the page says %q", page)
	}
}

// RFC 6749 section 3.2: plain http is spoken to nobody, and to a loopback
// provider only when that is allowed; a bad certificate is never accepted.
func TestOnlyHTTPS(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	secrets, err := oidc.ParseClientSecrets(e.ClientSecrets())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := oidc.NewClient(secrets, oidc.ProviderOptions{}); err == nil {
		t.Error("a loopback provider over http is taken without the option")
	}
	if _, err := oidc.NewClient(secrets, oidc.ProviderOptions{Issuer: e.Issuer()}); !errors.Is(err, oidc.ErrInsecureLoopback) {
		t.Errorf("error is %v", err)
	}
	for _, issuer := range []string{"http://accounts.example.com", "http://localhost:1", "http://127.0.0.1.evil.example", "ftp://127.0.0.1"} {
		if _, err := oidc.NewClient(secrets, oidc.ProviderOptions{Issuer: issuer, InsecureLoopback: true}); err == nil {
			t.Errorf("issuer %s is taken", issuer)
		}
	}
	asked := make(chan struct{}, 1)
	selfSigned := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{} }))
	selfSigned.Config.ErrorLog = log.New(io.Discard, "", 0)
	selfSigned.StartTLS()
	defer selfSigned.Close()
	client, err := oidc.NewClient(secrets, oidc.ProviderOptions{Issuer: selfSigned.URL, InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = authcode.New(authcode.Options{})(client).SignIn(bounded(t), core.PrompterFunc(nobody))
	if err == nil || !strings.Contains(err.Error(), "certificate cannot be trusted") || len(asked) != 0 {
		t.Errorf("error is %v", err)
	}
	if n := e.Calls(emulator.Discovery); n != 0 {
		t.Errorf("%d requests were sent over http", n)
	}
}

// RFC 9700 section 4.12: a redirect of the token endpoint is an error; the
// code, the verifier and the secret are sent nowhere else.
func TestTokenEndpointRedirects(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	elsewhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		e.ResetCalls()
		e.SetFault(emulator.Token, &emulator.Fault{Status: status, Header: http.Header{"Location": {"http://" + elsewhere.Addr().String() + "/token"}}})
		s := begin(t, e, authcode.Options{})
		page := s.follow(s.agree())
		_, err := s.outcome()
		if pe := errorAs[*oidc.ProviderError](t, err); pe.Status != status {
			t.Errorf("error is %v", err)
		}
		if !strings.Contains(page.body, "Not signed in") {
			t.Errorf("the page says %s", page.body)
		}
		s.exchanged(1)
	}
	_ = elsewhere.(*net.TCPListener).SetDeadline(time.Now())
	if c, err := elsewhere.Accept(); err == nil {
		_ = c.Close()
		t.Error("the redirect was followed")
	}
}
