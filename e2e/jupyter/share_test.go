//go:build linux

package jupyter_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// fromTheShell: the notebook goes on with the session of the shell. When it has to be
// refreshed, a kernel and shells that ask at once have one request between them.
func fromTheShell(d *desk, a app) {
	d.signInInShell()
	p := d.open(a, showSignIn, d.newClient(), callService, printAnswers)
	p.run(0)
	p.sees(0, "Signed in as "+ada)
	p.ok(1, "")
	p.ok(2, "")
	p.ok(3, "{'value': 42} 201")
	d.refreshTogether(p, 1, true)
	d.shell(nil, "logout")
	p.run(0)
	p.sees(0, "Sign in with Google to continue")
	p.end()
}

// refreshTogether has a kernel that has no token, and shells, ask for one at the same
// time: who is first has the request, which takes the provider its time, and the others
// come meanwhile. The cells of p are of the client, of a call, and of what it printed.
func (d *desk) refreshTogether(p *page, client int, kernelFirst bool) {
	d.t.Helper()
	p.restart()
	p.ok(client, "")
	d.expire()
	d.provider.SetFault(emulator.Token, &emulator.Fault{Delay: time.Second})
	defer d.provider.SetFault(emulator.Token, nil)
	before := d.provider.TokenCalls("refresh_token")
	var shells sync.WaitGroup
	ask := func() {
		for range 4 {
			shells.Go(func() {
				if out, err := d.tokentoss("token").CombinedOutput(); err != nil {
					d.t.Errorf("tokentoss token: %v\n%s", err, out)
				}
			})
		}
	}
	parts := []func(){func() { p.start(client + 1) }, ask}
	if !kernelFirst {
		slices.Reverse(parts)
	}
	parts[0]()
	poll(d.t, "the first asks for a token", func() bool { return d.provider.TokenCalls("refresh_token") > before })
	parts[1]()
	p.ends(client + 1)
	shells.Wait()
	p.ok(client+2, "{'value': 42} 201")
	if n := d.provider.TokenCalls("refresh_token") - before; n != 1 {
		d.t.Errorf("the provider was asked for %d refreshes, expected 1", n)
	}
}

// expire makes the stored token one that has expired. No token changes.
func (d *desk) expire() {
	d.t.Helper()
	path := filepath.Join(d.config, "tokens.json")
	data, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(data, &fields); err != nil {
		d.t.Fatal(err)
	}
	fields["obtained_at"] = time.Now().Add(-2 * time.Hour).UTC().Format(time.RFC3339Nano)
	fields["valid_for"] = time.Hour.Seconds()
	writeJSON(d.t, path, fields)
}

// toTheShell: the shell goes on with the session of the notebook, and a sign-out in the
// shell is seen by the widget.
func toTheShell(d *desk, a app) {
	p := d.open(a, showSignIn, d.newClient(), callService, printAnswers)
	p.run(0)
	p.signIn(0, ada)
	if out := d.shell(nil, "status"); !strings.Contains(out, "signed in as "+ada) {
		d.t.Errorf("the shell's status:\n%s", out)
	}
	if out := d.shell(nil, "get", d.provider.IAPURL()+"/api/data"); out != `{"value": 42}` {
		d.t.Errorf("the shell's call printed %q", out)
	}
	d.refreshTogether(p, 1, false)
	p.run(0)
	p.sees(0, "Signed in as "+ada)
	d.shell(nil, "logout")
	p.sees(0, "Sign in with Google to continue")
	p.end()
}

// noPerson: a notebook that a program executes has typed errors, soon.
func noPerson(d *desk, _ app) {
	cells := []string{showSignIn, d.newClient(), `client.get_json("/api/data")`, `import tokentoss; tokentoss.sign_in()`, `widget.wait()`, examine}
	in, out := filepath.Join(d.notes, "in.ipynb"), filepath.Join(d.notes, "out.ipynb")
	writeJSON(d.t, in, newNotebook(d.name, cells))
	c := d.server.command("nbconvert", "--to", "notebook", "--execute", "--allow-errors", "--output", out, in)
	if said, err := c.CombinedOutput(); err != nil {
		d.t.Fatalf("nbconvert: %v\n%s", err, said)
	}
	var book struct {
		Cells []struct {
			Outputs []struct {
				Type string `json:"output_type"`
				Name string `json:"ename"`
			}
		}
		Metadata struct{ Widgets any }
	}
	data, err := os.ReadFile(out)
	if err == nil {
		err = json.Unmarshal(data, &book)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	if book.Metadata.Widgets == nil {
		d.t.Error("the file has no state of widgets: this test tests little")
	}
	for i, want := range map[int]string{2: "SignInNeededError", 3: "InteractionRequiredError", 4: "InteractionRequiredError"} {
		last := book.Cells[i].Outputs[len(book.Cells[i].Outputs)-1]
		if last.Name != want {
			d.t.Errorf("cell %d, %q, ends with %+v, want %s", i, cells[i], last, want)
		}
	}
}
