//go:build linux

package e2e_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// shownProxy is the line in which the proxy says where it is.
var shownProxy = regexp.MustCompile(`is at http://(127\.0\.0\.1:\d+)/`)

// answering is an upstream of fixed answers.
func answering(t *testing.T, answers map[string]func(w http.ResponseWriter, r *http.Request)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer, ok := answers[r.URL.Path]; ok {
			answer(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func content(kind string, data []byte) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(data)
	}
}

// pnpm asks at its start, once, and gets a token that has at least half an hour left.
func TestPnpmHelper(t *testing.T) {
	t.Parallel()
	pnpm := aClient(t, "node/node_modules/.bin/pnpm")
	archive := npmArchive(t)
	sum := sha512.Sum512(archive)
	registry := "" // before anybody asks
	upstream := answering(t, map[string]func(http.ResponseWriter, *http.Request){
		"/private": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"name": "private", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {"name": "private", "version": "1.0.0",
				"dist": {"integrity": "sha512-%s", "tarball": "%s/private/-/private-1.0.0.tgz"}}}}`, base64.StdEncoding.EncodeToString(sum[:]), registry)
		},
		"/private/-/private-1.0.0.tgz": content("application/octet-stream", archive),
	})
	m := newHelped(t, emulator.Options{Upstream: upstream})
	link := m.installed(t, "pnpm", "tokentoss-credential-pnpm")
	registry = m.provider.IAPURL()
	writeFile(t, filepath.Join(m.home(), ".npmrc"), fmt.Appendf(nil, "registry=%s/\n//%s/:tokenHelper=%s\n", registry, hostOf(t, registry), link))
	age(t, m.tokens(), 20*time.Minute)
	project := t.TempDir()
	writeFile(t, filepath.Join(project, "package.json"), []byte(`{"name": "app", "version": "1.0.0"}`))
	// By a shell: without its install script, pnpm is no program that the system would start.
	c := exec.Command("sh", "-c", `"$0" "$@"`, pnpm, "add", "private", "--store-dir", t.TempDir())
	c.Env, c.Dir = m.env("CI=1"), project
	finish(t, c).wantCode(t, 0)
	m.wantRefreshes(t, 1)
	if text := string(mustRead(t, filepath.Join(project, "node_modules/private/package.json"))); !strings.Contains(text, "private") {
		t.Errorf("the package has %q", text)
	}
}

func npmArchive(t *testing.T) []byte {
	t.Helper()
	const manifest = `{"name": "private", "version": "1.0.0"}`
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	a := tar.NewWriter(z)
	err := a.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(manifest))})
	if err == nil {
		_, err = a.Write([]byte(manifest))
	}
	if err == nil {
		err = a.Close()
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pip and uv ask a keyring for the proxy's secret, for its address alone, and tokens may
// expire meanwhile.
func TestKeyringHelper(t *testing.T) {
	t.Parallel()
	const wheel = "private-1.0.0-py3-none-any.whl"
	data := zipOf(t, map[string]string{
		"private.py":                       "x = 1\n",
		"private-1.0.0.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"private-1.0.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: private\nVersion: 1.0.0\n",
		"private-1.0.0.dist-info/RECORD":   "private.py,,\nprivate-1.0.0.dist-info/WHEEL,,\nprivate-1.0.0.dist-info/METADATA,,\nprivate-1.0.0.dist-info/RECORD,,\n",
	})
	upstream := answering(t, map[string]func(http.ResponseWriter, *http.Request){
		"/simple/private/": func(w http.ResponseWriter, _ *http.Request) {
			outlive()
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<!DOCTYPE html><html><body><a href="/files/%[1]s">%[1]s</a></body></html>`, wheel)
		},
		"/files/" + wheel: content("application/octet-stream", data),
	})
	m := newHelped(t, emulator.Options{Upstream: upstream, TokenLifetime: shortToken})
	links := filepath.Dir(m.installed(t, "keyring", "keyring"))
	path := "PATH=" + links + string(filepath.ListSeparator) + strings.TrimPrefix(m.env()[0], "PATH=")
	at := m.aProxy(t)
	t.Run("pip", func(t *testing.T) {
		pip := aClient(t, "python/bin/pip")
		into := t.TempDir()
		m.tool(t, []string{path}, pip, "--isolated", "--no-input", "install", "--no-cache-dir", "--keyring-provider", "subprocess",
			"--index-url", "http://"+at+"/simple/", "--target", into, "private").wantCode(t, 0)
		mustRead(t, filepath.Join(into, "private.py"))
	})
	t.Run("uv", func(t *testing.T) {
		uv := aClient(t, "uv/bin/uv")
		into := t.TempDir()
		m.tool(t, []string{path}, uv, "pip", "install", "--no-cache", "--no-config", "--keyring-provider", "subprocess",
			"--index-url", "http://tokentoss@"+at+"/simple/", "--target", into, "private").wantCode(t, 0)
		mustRead(t, filepath.Join(into, "private.py"))
	})
	t.Run("other services", func(t *testing.T) {
		ask := func(args ...string) result {
			return m.tool(t, []string{path}, filepath.Join(links, "keyring"), args...)
		}
		if r := ask("get", "http://"+at+"/x", "tokentoss"); r.code != 0 || len(r.stdout) < 20 {
			t.Errorf("the proxy: code %d, %d bytes", r.code, len(r.stdout))
		}
		for _, args := range [][]string{
			{"get", "https://pypi.org/simple", "tokentoss"}, {"get", "http://" + at, "ada"}, {"get", "https://" + at, "tokentoss"}, {"get", "http://127.0.0.1:1", "tokentoss"},
		} {
			if r := ask(args...); r.code != 1 || r.stdout != "" {
				t.Errorf("%q: code %d, %q", args, r.code, r.stdout)
			}
		}
		// What it does not know is for the keyring behind it.
		behind := t.TempDir()
		writeFile(t, filepath.Join(behind, "keyring"), []byte("#!/bin/sh\necho \"behind: $*\"\nexit 7\n"))
		if err := exec.Command("chmod", "755", filepath.Join(behind, "keyring")).Run(); err != nil {
			t.Fatal(err)
		}
		r := m.tool(t, []string{path + string(filepath.ListSeparator) + behind}, filepath.Join(links, "keyring"), "--mode", "creds", "get", "https://pypi.org")
		if r.code != 7 || r.stdout != "behind: --mode creds get https://pypi.org\n" {
			t.Errorf("code %d, %q", r.code, r.stdout)
		}
	})
}

// skopeo and crane ask for the proxy's secret by Docker's protocol, and tokens may expire meanwhile.
func TestDockerHelper(t *testing.T) {
	t.Parallel()
	config := []byte(`{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}`)
	const index, image = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.config.v1+json"
	manifest := fmt.Appendf(nil, `{"schemaVersion": 2, "mediaType": %q, "config": {"mediaType": %q, "digest": "sha256:%x", "size": %d}, "layers": []}`,
		index, image, sha256.Sum256(config), len(config))
	upstream := answering(t, map[string]func(http.ResponseWriter, *http.Request){
		"/v2/": func(w http.ResponseWriter, _ *http.Request) {},
		"/v2/app/manifests/latest": func(w http.ResponseWriter, r *http.Request) {
			outlive()
			content(index, manifest)(w, r)
		},
		fmt.Sprintf("/v2/app/blobs/sha256:%x", sha256.Sum256(config)): content(image, config),
	})
	m := newHelped(t, emulator.Options{Upstream: upstream, TokenLifetime: shortToken})
	link := m.installed(t, "docker", "docker-credential-tokentoss")
	at := m.aProxy(t)
	ask := func(verb, server string) result {
		c := exec.Command(link, verb)
		c.Env, c.Stdin = m.env(), strings.NewReader(server+"\n")
		return finish(t, c)
	}
	var answer struct{ ServerURL, Username, Secret string }
	if err := json.Unmarshal([]byte(ask("get", at).wantCode(t, 0).stdout), &answer); err != nil || answer.ServerURL != at || answer.Username != "tokentoss" || len(answer.Secret) < 20 {
		t.Errorf("get: %v, for %q as %q", err, answer.ServerURL, answer.Username)
	}
	if r := ask("get", "127.0.0.1:1"); r.code != 1 || r.stdout != "credentials not found in native keychain\n" {
		t.Errorf("get another: code %d, %q", r.code, r.stdout)
	}
	if r := ask("list", ""); r.code != 0 || !strings.Contains(r.stdout, `"`+at+`":"tokentoss"`) {
		t.Errorf("list: code %d, %q", r.code, r.stdout)
	}
	if r := ask("erase", at); r.code != 0 {
		t.Errorf("erase: code %d", r.code)
	}
	if r := ask("store", `{"ServerURL": "x", "Username": "u", "Secret": "s"}`); r.code == 0 {
		t.Error("a password was stored")
	}

	skopeo := aClient(t, "skopeo")
	writeFile(t, filepath.Join(m.home(), "auth.json"), fmt.Appendf(nil, `{"credHelpers": {%q: "tokentoss"}}`, at))
	path := "PATH=" + filepath.Dir(link) + string(filepath.ListSeparator) + strings.TrimPrefix(m.env()[0], "PATH=")
	policy := filepath.Join(m.home(), "policy.json")
	writeFile(t, policy, []byte(`{"default": [{"type": "insecureAcceptAnything"}]}`))
	m.tool(t, []string{path, "REGISTRY_AUTH_FILE=" + filepath.Join(m.home(), "auth.json")}, skopeo,
		"--policy", policy, "copy", "--src-tls-verify=false", "docker://"+at+"/app:latest", "dir:"+t.TempDir()).wantCode(t, 0)

	crane := aClient(t, filepath.Join("go", "crane"))
	writeFile(t, filepath.Join(m.home(), "config.json"), fmt.Appendf(nil, `{"credHelpers": {%q: "tokentoss"}}`, at))
	r := m.tool(t, []string{path, "DOCKER_CONFIG=" + m.home()}, crane, "manifest", at+"/app:latest").wantCode(t, 0)
	if r.stdout != string(manifest) {
		t.Errorf("crane: %q", r.stdout)
	}
}
