package full

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/profile"
)

// demoAccount is who signs in.
const demoAccount = "ada@example.com"

// runDemo shows the main job: each step is a command that a person would type,
// run by this very executable against the emulator, in a directory of its own.
func runDemo(ctx context.Context, in *cli.Invocation) error {
	e, err := emulator.Start(ctx, emulator.Options{AutoConsent: demoAccount})
	if err != nil {
		return fmt.Errorf("the emulator cannot start: %w", err)
	}
	defer e.Close()
	dir, err := os.MkdirTemp("", "tokentoss-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	client := filepath.Join(dir, "client_secrets.json")
	if err := os.WriteFile(client, e.ClientSecrets(), 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	d := demo{in: in, self: self, env: append(os.Environ(),
		profile.EnvConfigDir+"="+filepath.Join(dir, "config"), profile.EnvInsecureLoopback+"=1",
		profile.EnvProfile+"=", profile.EnvStore+"=", profile.EnvTokenFile+"=", "TOKENTOSS_NON_INTERACTIVE=")}
	fmt.Fprintf(in.Stdout, "A Google and an IAP for this demo run at %s and %s.\n", e.GoogleURL(), e.IAPURL())
	for _, step := range []struct {
		says string
		args []string
	}{
		{"Set the OAuth client, once.", []string{"configure", "--from", client}},
		{"Sign in. A browser would open here; the demo visits the address itself, and the account consents.",
			[]string{"login", "--no-browser"}},
		{"See who is signed in.", []string{"status"}},
		{"Get the ID token, as a script would.", []string{"token"}},
		{"Call a service behind IAP.", []string{"get", e.IAPURL() + "/whoami"}},
		{"Sign out: the session is revoked, then forgotten.", []string{"logout"}},
	} {
		if err := d.step(ctx, step.says, step.args...); err != nil {
			return err
		}
	}
	fmt.Fprintln(in.Stdout, "\nThat is all. With your own OAuth client and service it is the same, without the emulator.")
	return nil
}

// visit reads what a command says until it ends, and goes where it sends a person.
func visit(ctx context.Context, r io.Reader) error {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		address := strings.TrimSpace(lines.Text())
		if !strings.HasPrefix(address, "http://") {
			continue
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		res.Body.Close()
	}
	return nil
}

type demo struct {
	in   *cli.Invocation
	self string
	env  []string
}

// step shows a command and runs it.
func (d demo) step(ctx context.Context, says string, args ...string) error {
	shown := make([]string, len(args))
	for i, a := range args {
		if shown[i] = a; strings.Contains(a, " ") {
			shown[i] = `"` + a + `"`
		}
	}
	fmt.Fprintf(d.in.Stdout, "\n# %s\n$ tokentoss %s\n", says, strings.Join(shown, " "))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(ctx, d.self, args...)
	cmd.Env = d.env
	var out bytes.Buffer
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	done := make(chan error, 1)
	go func() {
		err := cmd.Run()
		w.Close()
		done <- err
	}()
	visited := visit(ctx, io.TeeReader(r, &out))
	if visited != nil {
		stop() // it would wait for a person
		_, _ = io.Copy(&out, r)
	}
	err := errors.Join(visited, <-done)
	text := strings.TrimSpace(out.String())
	if args[0] == "token" && err == nil && len(text) > 32 {
		text = fmt.Sprintf("%s... (%d characters)", text[:24], len(text))
	}
	fmt.Fprintln(d.in.Stdout, text)
	if err != nil {
		return fmt.Errorf("the demo stopped: tokentoss %s: %w", args[0], err)
	}
	return nil
}
