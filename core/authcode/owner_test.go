package authcode

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/core/peercred"
)

// serveTo starts a server to which every connection is what err says.
func serveTo(t *testing.T, err error) (a *attempt, callback string) {
	t.Helper()
	l, lerr := net.Listen("tcp", "127.0.0.1:0")
	if lerr != nil {
		t.Fatal(lerr)
	}
	redirectURI := "http://" + l.Addr().String() + callbackPath
	a = newAttempt(oidc.Provider{Issuer: "https://op.example"}, redirectURI)
	s := serveWith(&listener{Listener: l, redirectURI: redirectURI, path: callbackPath}, a, func(c net.Conn) error {
		if c == nil {
			t.Error("the connection of a request is not known")
		}
		return err
	})
	t.Cleanup(s.close)
	return a, redirectURI + "?" + url.Values{"state": {a.state}, "code": {"4/0A-code"}}.Encode()
}

func fetchPage(t *testing.T, where string) (status int, location, body string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	req, err := http.NewRequest(http.MethodGet, where, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(text)
}

// Another user's redirect, or one of a connection that is nobody's any more, is not
// taken, and the sign-in goes on waiting for the right one.
func TestRedirectOfAnotherUser(t *testing.T) {
	for _, err := range []error{&peercred.UserError{UID: 1001}, peercred.ErrClosed, errors.New("something else")} {
		a, callback := serveTo(t, err)
		for _, where := range []string{callback, "http://" + mustHost(t, callback) + donePath} {
			status, location, body := fetchPage(t, where)
			if status != http.StatusForbidden || location != "" || strings.Contains(body, "4/0A") {
				t.Errorf("%v: %d %q %s", err, status, location, body)
			}
		}
		if a.used || len(a.responses) != 0 {
			t.Errorf("%v: the redirect was taken", err)
		}
	}
}

// A redirect whose sender this system does not have may be this user's, behind a relay.
// The page says to copy its address, which finishes the sign-in.
func TestRedirectThroughARelay(t *testing.T) {
	unknown := []error{peercred.ErrNotFound}
	if runtime.GOOS == "linux" {
		unknown = append(unknown, peercred.ErrUnsupported)
	}
	for _, err := range unknown {
		a, callback := serveTo(t, err)
		for range 2 { // a page may be loaded again
			status, location, body := fetchPage(t, callback)
			if status != http.StatusOK || location != "" || !strings.Contains(body, "Copy the address of this page") || strings.Contains(body, "4/0A") || strings.Contains(body, a.state) {
				t.Fatalf("%v: %d %q %s", err, status, location, body)
			}
		}
		if status, _, body := fetchPage(t, strings.Replace(callback, a.state, "wrong", 1)); status != http.StatusBadRequest || strings.Contains(body, "Copy") {
			t.Errorf("with another state: %d %s", status, body)
		}
		if a.used || len(a.responses) != 0 {
			t.Fatal("the redirect was taken")
		}
		if err := a.paste(callback); err != nil {
			t.Fatal(err)
		}
		if r := <-a.responses; r.code != "4/0A-code" || r.byBrowser {
			t.Errorf("response %+v", r)
		}
		if status, _, _ := fetchPage(t, callback); status != http.StatusOK && status != http.StatusConflict {
			t.Errorf("after the paste: %d", status)
		}
	}
}

// A connection of this user's or of root's is taken; so is one where the system cannot
// tell, as on macOS and Windows.
func TestRedirectOfThisUser(t *testing.T) {
	known := []error{nil}
	if runtime.GOOS != "linux" {
		known = append(known, peercred.ErrUnsupported)
	}
	for _, err := range known {
		a, callback := serveTo(t, err)
		if status, location, _ := fetchPage(t, callback); status != http.StatusSeeOther || location != donePath || len(a.responses) != 1 {
			t.Errorf("%v: %d %q", err, status, location)
		}
		a.finish(nil, errors.New("enough"))
	}
}

func mustHost(t *testing.T, where string) string {
	t.Helper()
	u, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
