package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/profile"
)

// clockTolerance is how wrong a clock may be before it does harm.
const clockTolerance = 30 * time.Second

// A finding is the outcome of one check.
type finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

// doctor checks what a request will need, in the order in which it will.
func doctor(ctx context.Context, in *Invocation) error {
	findings, err := in.examine(ctx)
	var out bytes.Buffer
	if in.Bool("json") {
		enc := json.NewEncoder(&out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(map[string]any{"ok": err == nil, "checks": findings}); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			mark := "ok  "
			if !f.OK {
				mark = "FAIL"
			}
			fmt.Fprintf(&out, "%s  %-13s %s\n", mark, f.Check, oneLine(f.Text))
			if f.Hint != "" {
				fmt.Fprintf(&out, "      %-13s -> %s\n", "", oneLine(f.Hint))
			}
		}
	}
	if _, err := out.WriteTo(in.Stdout); err != nil {
		return err
	}
	if err != nil {
		return &exitError{code: exitCode(err)}
	}
	return nil
}

// examine makes the checks. It returns the first error, for the exit code.
func (in *Invocation) examine(ctx context.Context) (list []finding, first error) {
	add := func(check string, err error, format string, args ...any) bool {
		f := finding{Check: check, OK: err == nil, Text: fmt.Sprintf(format, args...)}
		if err != nil {
			f.Text, f.Hint = explain(err)
			if first == nil {
				first = err
			}
		}
		list = append(list, f)
		return err == nil
	}
	p, err := in.open(ctx, nil)
	if err != nil {
		add("configuration", err, "")
		return list, first
	}
	defer p.Close()
	if p.Settings.IsMachine() {
		st, err := p.Status(ctx)
		add("configuration", err, "profile %s, a machine's: %s", p.Name, st.Machine)
		add("store", in.checkStore(ctx, p), "%s %s: private, and can be written", p.Store, p.Location())
		id, err := p.IDToken(ctx)
		add("token", err, "%s, valid until %s", id.Email, id.Expiry.Local().Format(time.RFC1123))
		return list, first
	}
	client := p.Client()
	if client == nil {
		add("configuration", core.ErrNotConfigured, "")
		return list, first
	}
	add("configuration", nil, "profile %s, OAuth client %s in %s", p.Name, client.ID, p.ClientFile)
	add("store", in.checkStore(ctx, p), "%s %s: private, and can be written", p.Store, p.Location())
	offset, err := client.Reach(ctx)
	if add("provider", err, "%s answers", client.Issuer()) {
		err = nil
		if offset.Abs() > clockTolerance {
			err = &core.ClockError{Claim: "time", Offset: offset.Round(time.Second)}
		}
		add("clock", err, "within %s of the provider's", clockTolerance)
	}
	id, err := p.IDToken(ctx)
	add("token", err, "%s, valid until %s", id.Email, id.Expiry.Local().Format(time.RFC1123))
	return list, first
}

// checkStore finds out whether a session could be read and saved.
func (in *Invocation) checkStore(ctx context.Context, p *profile.Profile) error {
	if _, err := p.Status(ctx); err != nil {
		return err
	}
	err := p.CheckStore(ctx)
	if errors.Is(err, core.ErrNotFound) {
		return nil
	}
	return err
}
