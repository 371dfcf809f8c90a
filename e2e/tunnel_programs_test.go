//go:build unix

package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/storetest/pgtest"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/e2e/internal/suite"
	"github.com/tokentoss/tokentoss/emulator"
)

// A person types into a shell on the instance, while the link to the relay breaks.
func TestSSHInATerminalGoesThroughTheTunnel(t *testing.T) {
	t.Parallel()
	m, config := newSSHCloud(t)
	c := exec.Command("ssh", "-tt", "-F", config, "box", "exec sh -i")
	c.Env = m.command().Env
	m.provider.SetRelayFault(emulator.RelayFault{DropAfter: 2 << 10})
	w := inWindow(t, c)
	for i := range 10 {
		w.enter(t, fmt.Sprintf("echo sum-$((40 + %d)); seq -s , 200", i))
		w.shows(t, fmt.Sprintf(`sum-%d\n1,2,3[0-9,]*,200\n`, 40+i))
	}
	w.enter(t, "stty -a | grep -c speed; exit 9")
	w.shows(t, `(?m)^(# )?1$`) // which is a terminal there, too
	if r := w.wait(t); r.code != 9 {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	if m.provider.RelayResumptions() < 3 {
		t.Errorf("the link broke %d times", m.provider.RelayResumptions())
	}
}

// A database client and its server, one of PostgreSQL's own each.
func TestPsqlGoesThroughTheTunnel(t *testing.T) {
	t.Parallel()
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("there is no psql here")
	}
	server, err := pgtest.Start()
	if errors.Is(err, pgtest.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	m := newCloud(t, map[int]string{5432: fmt.Sprintf("127.0.0.1:%d", server.Port)})
	_, address := m.tunnel(t, "5432")
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	m.provider.SetRelayFault(emulator.RelayFault{DropAfter: 1 << 20, RepeatAcks: true})
	c := exec.Command(psql, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", port, "-U", "tokentoss", "tokentoss")
	c.Env = append(m.command().Env, "PGPASSWORD="+pgtest.Password)
	var rows strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&rows, "%d\trow %d of the table\n", i, i)
	}
	c.Stdin = strings.NewReader("CREATE TABLE t (n int, text text);\nCOPY t FROM STDIN;\n" + rows.String() + "\\.\n" +
		"SELECT count(*), sum(n) FROM t;\nSELECT repeat(text, 30) FROM t ORDER BY n DESC;\n")
	r := finish(t, c).wantCode(t, 0)
	if !strings.Contains(r.stdout, "100000|4999950000\n") || !strings.HasSuffix(r.stdout, strings.Repeat("row 0 of the table", 30)+"\n") {
		t.Errorf("%d bytes came: %.200s", len(r.stdout), r.stdout)
	}
	if m.provider.RelayResumptions() < 10 {
		t.Errorf("the link broke %d times", m.provider.RelayResumptions())
	}
}

// A browser and a web server, with pages, scripts and a stream of events.
func TestABrowserGoesThroughTheTunnel(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><title>t</title><p id=p>page</p><script src=/script.js></script>`)
	})
	mux.HandleFunc("/script.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, `Promise.all([...Array(20).keys()].map(i => fetch("/data/" + i).then(r => r.text()))).then(all => {
			p.textContent = "bytes " + all.join("").length;
			new EventSource("/events").onmessage = e => p.textContent += " event " + e.data;
		})`)
	})
	mux.HandleFunc("/data/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 200_000)) })
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	m := newCloud(t, map[int]string{80: server.Listener.Addr().String()})
	_, address := m.tunnel(t, "80")
	m.provider.SetRelayFault(emulator.RelayFault{DropAfter: 1 << 20})
	browser.Open(t).Open("http://" + address + "/").Sees("bytes 4000000 event 0 event 1 event 2")
}

// A gigabyte comes and goes whole while the link to the relay breaks every 50 MB.
func TestAGigabyteGoesThroughTheTunnel(t *testing.T) {
	suite.Need(t, suite.Tunnel)
	m, config := newSSHCloud(t)
	m.provider.SetRelayFault(emulator.RelayFault{DropAfter: 50 << 20})
	const size = 1 << 30
	for name, script := range map[string]string{
		"up":   "head -c %d /dev/zero | tr '\\0' x | ssh -F %s box md5sum",
		"down": "ssh -F %[2]s box \"head -c %[1]d /dev/zero | tr '\\\\0' x\" | md5sum",
	} {
		t.Run(name, func(t *testing.T) {
			before := m.provider.RelayResumptions()
			c := exec.Command("sh", "-c", fmt.Sprintf(script, size, config))
			c.Env = m.command().Env
			want := exec.Command("sh", "-c", fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x | md5sum", size))
			got, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			if want, err := want.Output(); err != nil || string(got) != string(want) {
				t.Errorf("%q came, not %q: %v", got, want, err)
			}
			if n := m.provider.RelayResumptions() - before; n < 15 {
				t.Errorf("the link broke %d times", n)
			}
		})
	}
}
