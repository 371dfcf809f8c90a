//go:build linux

package clients_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/e2e/clients"
	"github.com/tokentoss/tokentoss/e2e/internal/suite"

	"github.com/tokentoss/tokentoss/emulator/emulatortest"
)

// TestOtherwise has the clients that "tokentoss run" alone does not serve, each with what
// serves it, for longer than a token lives.
func TestOtherwise(t *testing.T) {
	suite.Need(t, suite.Clients)
	for name, p := range inTable(t, map[string]program{
		"aria2":   {needs: "aria2c", agent: `^aria2/`, serve: pages, script: twice(`tokentoss run -- sh -euc 'aria2c -q -x4 --ca-certificate="$SSL_CERT_FILE" --allow-overwrite=true -o big $SITE/big'`) + "\ntest $(wc -c <big) = 8388608"},
		"aiohttp": {needs: "python3", agent: `aiohttp/`, serve: pages, script: inPython("use_aiohttp_middleware")},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, testdata := begin(t, p)
			w.run(t, []string{"TESTDATA=" + testdata}, "sh", "-euc", p.script).want(t, "")
			w.wantRenewed(t, p.agent)
		})
	}
}

// TestThroughProxy has clients that go to the address of "tokentoss proxy", which they
// show its secret without having it in their arguments or in an address.
func TestThroughProxy(t *testing.T) {
	suite.Need(t, suite.Clients)
	for name, p := range inTable(t, map[string]program{
		"grpcurl": {needs: "grpcurl", agent: `^grpcurl/`, serve: grpcServer, script: twice(
			`grpcurl -plaintext -expand-headers -H 'tokentoss-secret: ${SECRET}' 127.0.0.1:$PORT list | grep grpc.health.v1.Health` + "\n" +
				`grpcurl -plaintext -expand-headers -H 'tokentoss-secret: ${SECRET}' 127.0.0.1:$PORT grpc.health.v1.Health/Check | grep SERVING`)},
		"aria2":           {needs: "aria2c", agent: `^aria2/`, serve: pages, script: twice(`aria2c -q -x4 --netrc-path $NETRC --allow-overwrite=true -o big $SITE/big`) + "\ntest $(wc -c <big) = 8388608"},
		"pip":             {needs: "pip", agent: `^pip/`, serve: packages, script: twice(`pip --isolated --no-cache-dir install -q --no-deps --force-reinstall --target p --upgrade --index-url $SITE/simple/ greeting`)},
		"uv":              {needs: "uv", agent: `^uv/`, serve: packages, script: twice(`uv pip install -q --no-cache --no-config --target u --reinstall --index-url $SITE/simple/ greeting`)},
		"MLflow":          {needs: "python3", agent: `mlflow-python-client`, serve: experiments, script: `export MLFLOW_TRACKING_USERNAME=tokentoss MLFLOW_TRACKING_PASSWORD=$SECRET; ` + inPython("use_mlflow")},
		"MCP, over SSE":   {needs: "python3", agent: `httpx2|mcp`, serve: sseServer, script: inPython("use_mcp_sse")},
		"Java HttpClient": {needs: "java", agent: `^Java-http-client/`, serve: pages, script: "java $TESTDATA/Clients.java HttpClient"},
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, testdata := begin(t, p)
			shown := w.proxy(t)
			env := append(shown, "TESTDATA="+testdata, "HTTP_PROXY=", "HTTPS_PROXY=")
			w.run(t, env, "sh", "-euc", p.script).want(t, "")
			w.wantRenewed(t, p.agent)
		})
	}
}

// TestPathSecretBreaksAbsolutePaths: where a server answers with paths that begin at its root, a
// client leaves the path that has the secret, and is refused.
func TestPathSecretBreaksAbsolutePaths(t *testing.T) {
	suite.Need(t, suite.Clients)
	for name, p := range map[string]program{
		"MCP, over SSE": {needs: "python3", serve: sseServer, script: inPython("use_mcp_sse_by_path")},
		"pip":           {needs: "pip", serve: packages, script: `pip --isolated --no-input --no-cache-dir install -q --no-deps --target p --index-url $SITE/~$SECRET/simple/ greeting`},
		"uv":            {needs: "uv", serve: packages, script: `uv pip install -q --no-cache --no-config --target u --index-url $SITE/~$SECRET/simple/ greeting`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, testdata := begin(t, p)
			if s := w.run(t, append(w.proxy(t), "TESTDATA="+testdata, "NETRC=/dev/null", "HTTP_PROXY=", "HTTPS_PROXY="), "sh", "-euc", p.script); s.ok {
				t.Errorf("it gets through: docs/proxy.md says that it does not\n%s", s.text)
			}
		})
	}
}

// inTable fails unless each of the programs of a test has a row in the table, and the other
// way round.
func inTable(t *testing.T, programs map[string]program) map[string]program {
	t.Helper()
	rows := map[string]bool{}
	for _, row := range clients.Table() {
		if _, name, ok := strings.Cut(row.Test, "#"+t.Name()+"/"); ok {
			rows[name] = true
			if _, ok := programs[name]; !ok {
				t.Errorf("%s is in the table, and no test has it", name)
			}
		}
	}
	for name := range programs {
		if !rows[name] {
			t.Errorf("%s has a test, and no row in the table", name)
		}
	}
	return programs
}

// begin makes the world of a client, or skips the test where the client is missing.
func begin(t *testing.T, p program) (w *world, testdata string) {
	t.Helper()
	if lookUp(p.needs) == p.needs {
		t.Skipf("there is no %s here: .ci/clients installs it, or make setup", p.needs)
	}
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(t, p.serve(t)), testdata
}

var proxyShown = regexp.MustCompile(`(?s)http://127\.0\.0\.1:(\d+)/~([^/\s]+)/.*--netrc-file (\S+)`)

// proxy starts "tokentoss proxy" and returns the variables PORT, SECRET, NETRC and SITE.
func (w *world) proxy(t *testing.T) []string {
	t.Helper()
	c := exec.CommandContext(t.Context(), filepath.Join(binaries, "tokentoss"), "proxy", site)
	c.Env, c.WaitDelay = w.env(), time.Second
	var said emulatortest.Log
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait() // the state tells
	}()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if m := proxyShown.FindStringSubmatch(said.String()); m != nil {
			netrc := strings.Replace(m[3], "~/", w.home+"/", 1)
			return []string{"PORT=" + m[1], "SECRET=" + m[2], "NETRC=" + netrc, "SITE=http://127.0.0.1:" + m[1]}
		}
		select {
		case <-ended:
			t.Fatalf("the proxy ended: %s", said.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the proxy does not begin: %s", said.String())
		}
	}
}
