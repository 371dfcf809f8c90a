package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// An error of each server that stays has an ID, which its line in the log has as well. What
// a client sends is in no line.
func TestErrorsOfServersAreFoundInTheirLogs(t *testing.T) {
	t.Parallel()
	const planted = "GOCSPX-planted-secret"
	for _, args := range [][]string{
		{"serve", "--no-browser"}, {"metadata"}, {"proxy", "http://127.0.0.1:1"}, {"hub", "--public-url", "https://hub.example.com/services/tokentoss/"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			m := newSession(t, emulator.Options{})
			l, file := listenTCP(t, "127.0.0.1:0"), filepath.Join(t.TempDir(), "log")
			c := m.command(append(args, "--log", "all", "--json", "--log-file", file)...)
			if args[0] == "hub" {
				m.beHub(t, c)
			}
			activate(t, c, "own.socket", l)
			p := start(t, c)
			ask := func(method, path string, header http.Header) *http.Response {
				req, err := http.NewRequestWithContext(t.Context(), method, "http://"+l.Addr().String()+path, strings.NewReader(planted))
				if err != nil {
					t.Fatal(err)
				}
				req.Header = header
				res, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					alive(t, p)
					t.Fatal(err)
				}
				res.Body.Close()
				return res
			}
			ids := map[string]int{}
			for _, id := range []string{"", "client-7", planted, "no id at all"} {
				header := http.Header{"Cookie": {planted}, "Authorization": {"Bearer " + planted}, "Metadata-Flavor": {planted}}
				if id != "" {
					header.Set("X-Request-Id", id)
				}
				res := ask("POST", "/nothing?key="+planted, header)
				got := res.Header.Get("X-Request-Id")
				if res.StatusCode < 400 || got == "" || (got == id) != (id == "client-7") {
					t.Errorf("ID %q: %s, ID %q", id, res.Status, got)
				}
				ids[got] = res.StatusCode
			}
			if args[0] != "proxy" { // which has paths in its log, since they are the services'
				ask("GET", "/"+planted+"/x", http.Header{})
			}
			p.signal(t, syscall.SIGTERM)
			p.wait(t).wantCode(t, 0)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(data)) {
				var of struct {
					ID     string
					Status int
				}
				if err := json.Unmarshal([]byte(line), &of); err != nil || of.ID == "" {
					t.Errorf("the line %q: %v", line, err)
				}
				if ids[of.ID] == of.Status {
					delete(ids, of.ID)
				}
			}
			if len(ids) > 0 {
				t.Errorf("%v are not in %s", ids, data)
			}
			if all := string(data) + p.stderr.String(); strings.Contains(all, "planted") {
				t.Errorf("a secret is in %s", all)
			}
		})
	}
}
