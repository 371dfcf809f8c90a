package proxy_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// What tools are told of is the proxies that run, under all of their names; not those that
// have ended, nor those that were killed and left their files.
func TestRunningProxiesAreFound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[odd] *", "private")
	if list, err := proxy.Running(dir); len(list) > 0 || err != nil {
		t.Fatalf("no directory: %v, %v", list, err)
	}
	target := serve(t, func(http.ResponseWriter, *http.Request) {})
	options := proxy.Options{Dir: dir}
	a := start(t, &ada{}, proxy.Config{Targets: []string{target}}, options)
	b := start(t, &ada{}, proxy.Config{Targets: []string{"wiki=" + target}}, options)
	start(t, &ada{}, proxy.Config{Targets: []string{target}, Secret: proxy.SecretNone}, options)
	list, err := proxy.Running(dir)
	if err != nil {
		t.Fatal(err)
	}
	secretAt := func(url string) string {
		i := slices.IndexFunc(list, func(c proxy.Credential) bool { return "http://"+c.Host == url && c.User == "tokentoss" })
		if i < 0 {
			return ""
		}
		return list[i].Secret.Reveal()
	}
	if secretAt(a.URL) != a.Secret.Reveal() || secretAt(b.URL) != b.Secret.Reveal() || secretAt(b.Names["wiki"]) != b.Secret.Reveal() {
		t.Errorf("%d are found, and not all have their secret", len(list))
	}

	left, err := os.ReadFile(a.Git)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*world{a, b} {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(a.Git, left, 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err := proxy.Running(dir); len(list) > 0 || err != nil {
		t.Errorf("after the end: %d, %v", len(list), err)
	}
	if !strings.Contains(string(left), a.Secret.Reveal()) {
		t.Error("the file that is left has no secret: this tests nothing")
	}
}
