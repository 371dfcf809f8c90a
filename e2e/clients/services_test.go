//go:build linux

package clients_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// What is behind IAP: each is the URL of a server.

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// pages are /x, a large file, /echo, and /socket, which echoes messages.
func pages(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/x", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") })
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "big", time.Time{}, bytes.NewReader(make([]byte, 8<<20)))
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			kind, message, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, message) != nil {
				return
			}
		}
	})
	return serve(t, mux)
}

// documents are JSON by path.
func documents(t *testing.T, of map[string]string) string {
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := of[r.URL.Path]
		if !ok {
			http.Error(w, "nothing at "+r.URL.Path, http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}))
}

// experiments are those of a tracking server of MLflow.
func experiments(t *testing.T) string {
	return documents(t, map[string]string{
		"/api/2.0/mlflow/experiments/get": `{"experiment": {"experiment_id": "7", "name": "mine", "artifact_location": "", "lifecycle_stage": "active"}}`,
	})
}

func gradio(t *testing.T) string {
	return documents(t, map[string]string{
		"/config": `{"version": "5.0", "api_prefix": "", "components": [], "dependencies": [], "protocol": "sse_v3"}`,
		"/info":   `{"named_endpoints": {}, "unnamed_endpoints": {}}`,
	})
}

// models answer as OpenAI does, in a stream. They say whose key they were shown.
func models(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/models", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "me"}]}`)
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		for _, word := range []string{key, " says", " hi"} {
			fmt.Fprintf(w, `data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":%q}}]}`+"\n\n", word)
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	})
	return serve(t, mux)
}

// started is the port that a server prints when it has begun, by the expression's group.
func started(t *testing.T, port string, command ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), lookUp(command[0]), command[1:]...)
	c.Env = append(os.Environ(), "NO_PROXY=*")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr, c.WaitDelay = w, w, time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		r.Close()
	})
	lines := bufio.NewScanner(r)
	var text strings.Builder
	for lines.Scan() {
		text.WriteString(lines.Text() + "\n")
		if found := regexp.MustCompile(port).FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return "127.0.0.1:" + found[1]
		}
	}
	t.Fatalf("%v says no port: %s", command, text.String())
	return ""
}

func mcpServer(t *testing.T) string {
	return "http://" + started(t, `^(\d+)$`, "python3", "testdata/server.py", "mcp")
}

func sseServer(t *testing.T) string {
	return "http://" + started(t, `^(\d+)$`, "python3", "testdata/server.py", "sse")
}

func grpcServer(t *testing.T) string {
	return "h2c://" + started(t, `^(\d+)$`, "python3", "testdata/server.py", "grpc")
}

// registry is one of container images.
func registry(t *testing.T) string {
	return "http://" + started(t, `serving on port (\d+)`, "crane", "registry", "serve", "--address", "127.0.0.1:0")
}

// repositories are git's own server for app.git, and a server of git-lfs.
func repositories(t *testing.T) string {
	root := t.TempDir()
	backend := filepath.Join(printed(t, "git", "--exec-path"), "git-http-backend")
	printed(t, "git", "init", "--quiet", "--bare", "--initial-branch=main", filepath.Join(root, "app.git"))
	printed(t, "git", "-C", filepath.Join(root, "app.git"), "config", "http.receivepack", "true")
	mux := http.NewServeMux()
	mux.Handle("/", &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + root}})
	mux.HandleFunc("POST /app.git/info/lfs/objects/batch", lfsBatch)
	mux.HandleFunc("/app.git/info/lfs/locks/verify", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound) // no locks
	})
	var objects sync.Map
	mux.HandleFunc("/objects/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			body, _ := io.ReadAll(r.Body)
			objects.Store(r.PathValue("id"), body)
			return
		}
		body, ok := objects.Load(r.PathValue("id"))
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(body.([]byte))
	})
	return serve(t, mux)
}

// lfsBatch answers where objects go, and come from, at the public address
// (https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md).
func lfsBatch(w http.ResponseWriter, r *http.Request) {
	type object struct {
		OID     string         `json:"oid"`
		Size    int64          `json:"size"`
		Actions map[string]any `json:"actions,omitempty"`
	}
	var batch struct {
		Operation string   `json:"operation"`
		Objects   []object `json:"objects"`
	}
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for i, o := range batch.Objects {
		batch.Objects[i].Actions = map[string]any{batch.Operation: map[string]any{"href": site + "/objects/" + o.OID}}
	}
	w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"transfer": "basic", "objects": batch.Objects})
}

const gitSettings = `git config --global user.name Ada
git config --global user.email ada@example.com
`

const gitScript = gitSettings + `git clone --quiet $SITE/app.git one
cd one
echo content >file
git checkout --quiet -B main
git add file
git commit --quiet -m first
git push --quiet origin main
sleep $PAUSE
cd ..
git clone --quiet $SITE/app.git two
grep content two/file`

const lfsScript = gitSettings + `git lfs install --skip-repo
git clone --quiet $SITE/app.git one
cd one
git checkout --quiet -B main
git lfs track '*.bin'
head -c 300000 /dev/zero >big.bin
git add .
git commit --quiet -m first
git push --quiet origin main
sleep $PAUSE
cd ..
git clone --quiet $SITE/app.git two
test $(wc -c <two/big.bin) = 300000`

// ociScript pushes and pulls twice, by other tags and layers.
func ociScript(command string) string {
	turn := func(tag string) string {
		return "echo " + tag + " >layer; tar czf layer.tgz layer\n" + image + fmt.Sprintf(command, tag)
	}
	return "HOST=${SITE#https://}\n" + turn("one") + "\nsleep $PAUSE\n" + turn("two")
}

// image makes an image of layer.tgz in the directory image, in the form of skopeo's "dir:".
const image = `mkdir -p image
sum=$(sha256sum <layer.tgz | cut -c1-64); diff=$(gunzip <layer.tgz | sha256sum | cut -c1-64)
printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' $diff >config
config=$(sha256sum <config | cut -c1-64)
cp layer.tgz image/$sum; cp config image/$config; printf 'Directory Transport Version: 1.1\n' >image/version
printf '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":%s,"digest":"sha256:%s"},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":%s,"digest":"sha256:%s"}]}' \
  $(wc -c <config) $config $(wc -c <layer.tgz) $sum >image/manifest.json
`
