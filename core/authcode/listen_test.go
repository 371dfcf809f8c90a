package authcode_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// RFC 8252 section 7.3: the redirect names a loopback literal and a port
// that the system chose, and the port is bound before the person sees the URL.
func TestPortIsBoundBeforeTheURLIsShown(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	ports := map[string]bool{}
	for range 3 {
		s := begin(t, e, authcode.Options{})
		u := mustURL(t, s.prompt.RedirectURL)
		if u.Scheme != "http" || u.Hostname() != "127.0.0.1" || u.Port() == "" || u.Port() == "0" {
			t.Errorf("redirect is %s", s.prompt.RedirectURL)
		}
		if got := mustURL(t, s.prompt.URL).Query().Get("redirect_uri"); got != s.prompt.RedirectURL {
			t.Errorf("redirect_uri is %q, and the prompt says %q", got, s.prompt.RedirectURL)
		}
		// The Prompter has the URL, and nothing else happened yet.
		if !listening(u.Host) {
			t.Errorf("nothing listens on %s while the URL is shown", u.Host)
		}
		ports[u.Port()] = true
	}
	if len(ports) != 3 {
		t.Errorf("three sign-ins at once listen on the ports %v", ports)
	}
}

// RFC 8252 section 8.3: only the loopback literal listens; every other
// address of the machine refuses.
func TestOtherInterfacesRefuse(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	port := mustURL(t, s.prompt.RedirectURL).Port()
	others := []string{"127.0.0.2", "::1"}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			others = append(others, p.Addr().String())
		}
	}
	for _, host := range others {
		if listening(net.JoinHostPort(host, port)) {
			t.Errorf("%s port %s takes connections", host, port)
		}
	}
	if !listening(s.address()) {
		t.Error("127.0.0.1 refuses too: the test shows nothing")
	}
}

// onlyIPv6 tells a copy of the test program that it runs on such a machine.
const onlyIPv6 = "AUTHCODE_TEST_ONLY_IPV6"

// RFC 8252 sections 7.3 and 8.3: a machine that has only [::1] signs in
// with that; the name localhost is never used.
func TestOnlyIPv6(t *testing.T) {
	if os.Getenv(onlyIPv6) == "" {
		t.Parallel()
		inNewNetwork(t)
		return
	}
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = l.Close()
		t.Fatal("this network has 127.0.0.1")
	}
	s := begin(t, startGoogle(t, emulator.Options{Listen: "[::1]:0"}), authcode.Options{})
	if !strings.HasPrefix(s.prompt.RedirectURL, "http://[::1]:") || strings.Contains(s.prompt.URL, "localhost") {
		t.Errorf("redirect is %s", s.prompt.RedirectURL)
	}
	s.finish()
}

// inNewNetwork runs the calling test again in a network namespace of its own,
// whose loopback interface has no IPv4 address.
func inNewNetwork(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const prepare = `ip link set lo up && ip addr del 127.0.0.1/8 dev lo && `
	sandbox := func(flags, command string) *exec.Cmd {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		t.Cleanup(cancel)
		cmd := exec.CommandContext(ctx, "unshare", flags, "sh", "-c", prepare+command)
		cmd.Env = append(os.Environ(), onlyIPv6+"=1", "SELF="+self, "TEST=^"+t.Name()+"$")
		return cmd
	}
	for _, flags := range []string{"-n", "-rn"} { // as root, or as a user who may have namespaces
		if sandbox(flags, "true").Run() != nil {
			continue
		}
		out, err := sandbox(flags, `exec "$SELF" -test.run="$TEST" -test.v`).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Fatalf("without 127.0.0.1: %v\n%s", err, out)
		}
		return
	}
	t.Skip("network namespaces are not to be had here")
}

// RFC 8252 section 8.3: however a sign-in ends, nothing listens any
// more when it returns. Not parallel, so that no other test gets the port.
func TestNothingListensAfterwards(t *testing.T) {
	e := startGoogle(t, emulator.Options{})
	ends := map[string]func(s *signIn){
		"success":                       func(s *signIn) { s.follow(s.agree()) },
		"success without the last page": func(s *signIn) { get(t, s.agree()) },
		"paste":                         func(s *signIn) { s.paste(s.agree()) },
		"denial":                        func(s *signIn) { get(t, s.callback("error", "access_denied", "state", s.state())) },
		"refused":                       func(s *signIn) { get(t, s.callback("code", "made-up", "state", s.state())) },
		"cancel":                        func(s *signIn) { s.cancel() },
		"timeout":                       func(s *signIn) {},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			o := authcode.Options{}
			if name == "timeout" {
				o.Timeout = 50 * time.Millisecond
			}
			s := begin(t, e, o)
			s.t = t
			idle, err := net.Dial("tcp", s.address()) // a browser's preconnect holds nothing up
			if err != nil {
				t.Fatal(err)
			}
			defer idle.Close()
			end(s)
			began := time.Now()
			_, _ = s.outcome()
			if listening(s.address()) {
				t.Errorf("%s still takes connections", s.address())
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("ended after %s", took)
			}
		})
	}
}

// RFC 9700 section 4.4.2.2: sign-ins at two providers have listeners and
// states of their own, so the code of one is never sent to the other.
func TestCodesDoNotCross(t *testing.T) {
	t.Parallel()
	one := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	two := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	ofOne := mustURL(t, one.agree())
	crossed := *ofOne
	crossed.Host = two.address()
	two.refused(get(t, crossed.String()), 400)
	one.waiting()
	one.follow(ofOne.String())
	one.succeed()
	two.finish()
}

// A port that was asked for and is taken is an error that names it, at
// once; nobody ends up waiting on somebody else's socket.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	// Like all listeners of Go, this one has SO_REUSEADDR.
	squat := func(t *testing.T, network, address string) int {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l.Addr().(*net.TCPAddr).Port
	}
	for name, where := range map[string][2]string{
		"127.0.0.1": {"tcp4", "127.0.0.1:0"}, "all of IPv4": {"tcp4", "0.0.0.0:0"}, "all addresses": {"tcp", ":0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := squat(t, where[0], where[1])
			prompter := core.PrompterFunc(func(context.Context, core.Prompt) (string, error) {
				t.Error("the person was sent to a port of somebody else")
				return "", nil
			})
			_, err := authcode.New(authcode.Options{Port: port})(newClient(t, e)).SignIn(bounded(t), prompter)
			pe := errorAs[*authcode.PortError](t, err)
			if pe.Port != port || !strings.Contains(err.Error(), strconv.Itoa(port)) || !errors.Is(err, fault.AddressInUse) {
				t.Errorf("error is %v", err)
			}
		})
	}
	t.Run("only ::1", func(t *testing.T) {
		t.Parallel()
		s := begin(t, e, authcode.Options{Port: squat(t, "tcp6", "[::1]:0")})
		if !strings.HasPrefix(s.prompt.RedirectURL, "http://127.0.0.1:") {
			t.Errorf("redirect is %s", s.prompt.RedirectURL)
		}
		s.follow(s.agree())
		if _, err := s.outcome(); err != nil {
			t.Error(err)
		}
	})
}

// A client of the type web has registered redirect URIs; the one on loopback is
// listened on, to the letter.
func TestWebClient(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/oauth2/callback", "/", "", "/done", "/a%20b"} {
		t.Run("path "+path, func(t *testing.T) {
			t.Parallel()
			uri := "http://" + freeAddress(t) + path
			e := startGoogle(t, emulator.Options{Clients: []emulator.Client{{
				ID: "web-client", Secret: "web-secret", Type: emulator.Web,
				RedirectURIs: []string{"https://app.example.com/callback", "http://localhost:8765/callback", uri},
			}}})
			s := beginWith(t, e, authcode.New(authcode.Options{})(webClient(t, e)).SignIn)
			if s.prompt.RedirectURL != uri {
				t.Errorf("redirect is %s, registered is %s", s.prompt.RedirectURL, uri)
			}
			page := s.follow(s.agree())
			s.succeed()
			if !strings.Contains(page.body, ada) {
				t.Errorf("the last page is %s", page.body)
			}
		})
	}
}

// webClient returns the emulator's client of the type web.
func webClient(t *testing.T, e *emulator.Emulator) *oidc.Client {
	t.Helper()
	for _, c := range e.Clients() {
		if c.Type != emulator.Web || c.ID != "web-client" {
			continue
		}
		file, err := json.Marshal(map[string]any{"web": map[string]any{
			"client_id": c.ID, "client_secret": c.Secret, "redirect_uris": c.RedirectURIs,
			"auth_uri": e.GoogleURL() + "/auth", "token_uri": e.GoogleURL() + "/token",
		}})
		if err != nil {
			t.Fatal(err)
		}
		secrets, err := oidc.ParseClientSecrets(file)
		if err != nil {
			t.Fatal(err)
		}
		client, err := oidc.NewClient(secrets, oidc.ProviderOptions{InsecureLoopback: true})
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	t.Fatal("there is no such client")
	return nil
}

// A web client without a loopback redirect URI cannot sign in here; the error
// says what to register. localhost is not taken for one.
func TestWebClientWithoutLoopback(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{Clients: []emulator.Client{{
		ID: "web-client", Secret: "web-secret", Type: emulator.Web,
		RedirectURIs: []string{"https://app.example.com/callback", "http://localhost:8765/callback", "http://127.0.0.1/callback"},
	}}})
	_, err := authcode.New(authcode.Options{})(webClient(t, e)).SignIn(bounded(t), core.PrompterFunc(nobody))
	if err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:8765/callback") {
		t.Errorf("error is %v", err)
	}
}

// freeAddress returns a loopback address that is free, and that the system does
// not give away by itself: its own choices are above.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(10000)))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}
