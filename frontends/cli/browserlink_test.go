package cli

import (
	"context"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/peercred"
)

const secretURL = "https://provider.example/auth?state=secret-state&nonce=secret-nonce"

// get is a browser that does not follow redirects.
func get(t *testing.T, method, url, host string) (*http.Response, string) {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// The address that a browser is started with has no secret in it, and leads this user
// on once.
func TestLoopbackLink(t *testing.T) {
	if !peercred.Supported() {
		t.Skip("this system does not tell whose a connection is")
	}
	link, err := newBrowserLink(secretURL)
	if err != nil {
		t.Fatal(err)
	}
	defer link.remove()
	if strings.Contains(link.url, "secret") || !strings.HasPrefix(link.url, "http://127.0.0.1:") {
		t.Fatalf("the address is %s", link.url)
	}
	// What is no visit of the address does not use it up, and learns nothing.
	for _, wrong := range []struct{ method, url, host string }{
		{"GET", link.url + "x", ""}, {"GET", link.url[:len(link.url)-1], ""}, {"HEAD", link.url, ""}, {"POST", link.url, ""},
		{"GET", link.url, "attacker.example"}, {"GET", link.url[:strings.LastIndex(link.url, "/")] + "/", ""},
	} {
		if resp, body := get(t, wrong.method, wrong.url, wrong.host); resp.StatusCode != http.StatusNotFound || strings.Contains(body, "secret") || resp.Header.Get("Location") != "" {
			t.Errorf("%+v: %d %q %v", wrong, resp.StatusCode, body, resp.Header)
		}
	}
	resp, _ := get(t, "GET", link.url, "")
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != secretURL || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the first visit: %d %v", resp.StatusCode, resp.Header)
	}
	if resp, body := get(t, "GET", link.url, ""); resp.StatusCode != http.StatusGone || resp.Header.Get("Location") != "" || !strings.Contains(body, "terminal") {
		t.Errorf("the second visit: %d %q", resp.StatusCode, body)
	}
	link.remove()
	if resp, err := http.Get(link.url); err == nil {
		resp.Body.Close()
		t.Error("the address is served after the sign-in")
	}
}

// Elsewhere the link is a file that only this user can read.
func TestFileLink(t *testing.T) {
	link, err := fileLink(secretURL + `"><script>`)
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(link.url, "file://")
	if runtime.GOOS == "windows" {
		path = path[1:]
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 || strings.Contains(string(data), "<script>") || !strings.Contains(string(data), "secret-state") {
		t.Errorf("mode %v, %v: %s", info.Mode(), err, data)
	}
	link.remove()
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is left")
	}
}

// $BROWSER is a list, its commands may have several words and a place for the address.
func TestBrowserVariable(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its commands are those of a POSIX shell")
	}
	dir := t.TempDir()
	for _, tt := range []struct{ browser, want string }{
		{"false:sh -c 'echo $1 two >OUT' sh", "URL two"},
		{"no-such-browser-here:echo one %s three >OUT", "one URL three"},
		{`echo '%s' "%s" >OUT`, "URL URL"},
		{"echo x >OUT; false:echo second >>OUT", "x\nsecond URL"},
		{" : ", "no display"},
		{"none", "none"},
	} {
		out := dir + "/out"
		_ = os.Remove(out)
		t.Setenv("BROWSER", strings.ReplaceAll(tt.browser, "OUT", out))
		t.Setenv("DISPLAY", "")
		t.Setenv("WAYLAND_DISPLAY", "")
		t.Setenv("WSL_DISTRO_NAME", "")
		if !wantsBrowser() {
			if tt.want != "none" {
				t.Errorf("%s: no browser is wanted", tt.browser)
			}
			continue
		}
		err := openBrowser(context.Background(), "", "http://127.0.0.1:1/A")
		if tt.want == "no display" {
			if err == nil || !strings.Contains(err.Error(), "display") {
				t.Errorf("%q: %v", tt.browser, err)
			}
			continue
		}
		data, rerr := os.ReadFile(out)
		if got := strings.ReplaceAll(strings.TrimSpace(string(data)), "http://127.0.0.1:1/A", "URL"); err != nil || rerr != nil || got != tt.want {
			t.Errorf("%q: %q, %v, %v; want %q", tt.browser, got, err, rerr, tt.want)
		}
	}
}
