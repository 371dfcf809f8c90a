package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/profile"
)

func (c *commands) logout() *cli.Command {
	return &cli.Command{
		Name: "logout", Usage: "revoke the session at the provider, then forget it", Category: "account",
		Description: "Google ends all grants of an account to an OAuth client at once: this signs out of it on all\n" +
			"machines. With --local the session is forgotten on this one, and goes on elsewhere.",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "local", Usage: "only forget it here; nothing is sent"}},
		Action: c.run(0, 0, logout),
	}
}

// logout ends the session.
func logout(ctx context.Context, in *Invocation) error {
	p, err := in.open(ctx, noToken, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	if f := p.Forwarded; f != nil {
		return &hintedError{fmt.Errorf("the session is that of %s, which lends it", f.Host), "sign out there, or end the forwarding"}
	}
	if p.Settings.IsMachine() && !in.Bool("local") {
		return machineLogout(ctx, in, p)
	}
	if in.Bool("local") {
		if err := p.Forget(ctx); err != nil {
			return err
		}
		in.say.say("the session is forgotten here; the provider was not told")
		return in.forgetDamaged(ctx, p, nil)
	}
	before, _ := p.Status(ctx) // whatever is wrong with it, it is forgotten
	err = p.SignOut(ctx)
	if err == nil || errors.Is(err, core.ErrNotRevoked) {
		err = errors.Join(err, in.forgetDamaged(ctx, p, p.Client()))
	}
	if errors.Is(err, core.ErrNotRevoked) {
		where := "its provider"
		if c := p.Client(); c == nil || c.Issuer() == oidc.GoogleIssuer {
			where = "https://myaccount.google.com/connections"
		}
		return &hintedError{fmt.Errorf("the session is forgotten here, but %w", err), "end it at " + where + ", if it matters"}
	}
	if err != nil {
		return err
	}
	in.say.say("signed out")
	if before.State == core.SignedIn || before.State == core.NeedsSignIn {
		in.say.say("the account is signed out of this OAuth client on all machines, as Google revokes; tokentoss logout --local forgets the session here only")
	}
	return nil
}

// forgetDamaged revokes and removes what was set aside as a damaged session of the
// file store, where a refresh token is left in it. Without a client nobody is told.
func (in *Invocation) forgetDamaged(ctx context.Context, p *profile.Profile, client *oidc.Client) error {
	dir, name := filepath.Split(p.Location())
	entries, err := os.ReadDir(filepath.Clean(dir))
	if p.Store != profile.FileStore || err != nil {
		return nil //nolint:nilerr // nothing can have been set aside there
	}
	var failed error
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), name+".damaged-") || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		token, issuer := damagedSession(path)
		if token == "" {
			continue
		}
		if client != nil {
			// It is for nobody but the provider that it came from.
			if issuer != client.Issuer() {
				failed = errors.Join(failed, fmt.Errorf("%w: %s is of another provider", core.ErrNotRevoked, path))
			} else if err := client.Revoke(ctx, token); err != nil {
				failed = errors.Join(failed, fmt.Errorf("%w: %s: %w", core.ErrNotRevoked, path, err))
			}
		}
		if err := os.Remove(path); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		in.say.say("removed %s, a damaged session in which there was a refresh token", path)
	}
	return failed
}

// damagedSession returns the refresh token in what was a session, and the provider
// that it is of, which is Google where that is not said.
func damagedSession(path string) (core.Secret, string) {
	f, err := os.Open(path)
	if err != nil {
		return "", ""
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, maxInput)) // what was read is looked at
	return core.Secret(damagedField(data, "refresh_token")), cmp.Or(damagedField(data, "issuer"), oidc.GoogleIssuer)
}

// damagedField returns the value of a field of text that need not be JSON any more.
func damagedField(data []byte, name string) string {
	_, rest, ok := bytes.Cut(data, []byte(`"`+name+`"`))
	rest = bytes.TrimLeft(rest, " \t\r\n:")
	if !ok || len(rest) == 0 || rest[0] != '"' {
		return ""
	}
	var value string
	if json.NewDecoder(bytes.NewReader(rest)).Decode(&value) != nil {
		return ""
	}
	return value
}

// machineLogout is logout for such a profile.
func machineLogout(ctx context.Context, in *Invocation, p *profile.Profile) error {
	if err := p.SignOut(ctx); err != nil {
		return err
	}
	in.say.say("the token is forgotten here; profile %s is a machine's, and gets another when one is needed", p.Name)
	return nil
}
