//go:build linux

package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// kubeconfig is that of docs/helpers.md, and a cluster.
func kubeconfig(t *testing.T, server, ca, version string) []byte {
	t.Helper()
	users := strings.Replace(documented(t, "yaml"), "/v1 ", "/"+version+" ", 1)
	return []byte(users + fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: it
contexts: [{name: it, context: {cluster: it, user: ada}}]
clusters: [{name: it, cluster: {server: %q, certificate-authority-data: %q}}]
`, server, ca))
}

// newFront is IAP over TLS, which some programs want before they send a token, and its
// certificate.
func newFront(t *testing.T, m *helped) (server string, ca []byte) {
	t.Helper()
	iap, err := url.Parse(m.provider.IAPURL())
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(iap) }})
	t.Cleanup(front.Close)
	return front.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
}

func TestKubectl(t *testing.T) {
	t.Parallel()
	kubectl := unpack(t, "kubernetes-client", "/usr/bin/kubectl") // older ones do not know v1
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"gitVersion": "v1.99.0", "seen": %q}`, r.Header.Get("X-Goog-Authenticated-User-Email"))
	}))
	t.Cleanup(api.Close)
	m := newHelped(t, emulator.Options{Upstream: api.URL})
	server, cert := newFront(t, m)
	ca := base64.StdEncoding.EncodeToString(cert)
	config := filepath.Join(m.home(), "kubeconfig")
	version := func() result {
		c := exec.Command(kubectl, "--kubeconfig", config, "get", "--raw", "/version")
		c.Env = m.env()
		return finish(t, c)
	}

	writeFile(t, config, kubeconfig(t, server, ca, "v1"))
	r := version()
	wantWords(t, "kubectl", r.stderr, "tokentoss: error: kubectl is given tokens for the profile's targets only, and "+server+" is not one")
	if r.code == 0 || m.provider.Calls(emulator.Upstream) != 0 {
		t.Error("a server that is no target was given a token")
	}
	m.setTargets(t, "https://other.example.com", server)
	for _, v := range []string{"v1", "v1beta1"} {
		writeFile(t, config, kubeconfig(t, server, ca, v))
		r := version()
		wantWords(t, "the answer through "+v, r.stdout+r.stderr, `"gitVersion": "v1.99.0"`, ada)
	}
	m.run(t, "logout").wantCode(t, 0)
	if r := version(); r.code == 0 {
		t.Error("kubectl got through without a session")
	} else {
		wantWords(t, "kubectl", r.stderr, "tokentoss: hint: tokentoss login", "exit code 3")
	}
}

// What kubectl reads, as its reference has it.
func TestExecCredential(t *testing.T) {
	t.Parallel()
	m := newHelped(t, emulator.Options{})
	ask := func(info string) result {
		c := m.command("credential", "kubectl")
		c.Env = append(c.Env, "KUBERNETES_EXEC_INFO="+info)
		return finish(t, c)
	}
	const group = "client.authentication.k8s.io/"
	for _, v := range []string{"v1", "v1beta1"} {
		r := ask(`{"apiVersion": "`+group+v+`", "kind": "ExecCredential", "spec": {"interactive": true}}`).wantCode(t, 0)
		var answer struct {
			APIVersion, Kind string
			Status           struct {
				ExpirationTimestamp time.Time
				Token               string
			}
		}
		if err := json.Unmarshal([]byte(r.stdout), &answer); err != nil {
			t.Fatal(err)
		}
		if answer.APIVersion != group+v || answer.Kind != "ExecCredential" || answer.Status.Token+"\n" != m.run(t, "token").stdout {
			t.Errorf("the answer is %+v", answer)
		}
		if left := time.Until(answer.Status.ExpirationTimestamp); left < 50*time.Minute || left > time.Hour {
			t.Errorf("the token is valid for %v", left)
		}
	}
	for _, bad := range []string{"no", "{}", `{"apiVersion": "` + group + `v1alpha1", "kind": "ExecCredential"}`, `{"apiVersion": "` + group + `v1", "kind": "Pod"}`} {
		if r := ask(bad).wantCode(t, 2); r.stdout != "" {
			t.Errorf("%s is answered with %s", bad, r.stdout)
		}
	}
}
