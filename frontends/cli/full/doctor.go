package full

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/cli/doctor"
)

// runDoctor says what is the matter. Its exit code is that of the first failure.
func runDoctor(ctx context.Context, in *cli.Invocation, want cli.DoctorOptions) error {
	o := doctor.Options{URL: want.URL, Timeout: want.Timeout, Explain: cli.Explain, ExitCode: cli.ExitCode}
	p, err := in.OpenOnce(ctx)
	if err == nil {
		defer p.Close()
		o.Profile = p
	}
	if o.OpenErr = err; err == nil && want.Tunnel != nil {
		st, err := p.Status(ctx)
		if err != nil {
			return err
		}
		o.Tunnel = &doctor.TunnelTarget{Dialer: tunnelDialer(ctx, p, st, *want.Tunnel), Host: want.Tunnel.Host, Port: want.Tunnel.Port}
	}
	report := doctor.Examine(ctx, o)
	if err := context.Cause(ctx); errors.Is(err, context.Canceled) {
		return err
	}
	for i := range report.Checks {
		f := &report.Checks[i]
		for _, list := range [][]string{f.Do, f.Commands} {
			for i, text := range list {
				list[i] = in.ForProfile(text)
			}
		}
	}
	var out bytes.Buffer
	if want.JSON {
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(report); err != nil {
			return err
		}
	} else {
		printReport(&out, report, width(in.Stdout))
	}
	if _, err := out.WriteTo(in.Stdout); err != nil {
		return err
	}
	return cli.Exit(report.ExitCode)
}

// width is that of the terminal, or 0 where w is none.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return max(columns, 24)
}

// indent is that of all but a check's first words, short enough for the ID of an
// OAuth client to fit behind it.
const indent = 6

// printReport prints a line for each check, and below it what to do. Texts are
// wrapped at width, if it is not 0; commands never are, to be copied whole.
func printReport(w io.Writer, r *doctor.Report, width int) {
	marks := map[doctor.Level]string{doctor.OK: "ok", doctor.Warn: "warn", doctor.Fail: "FAIL"}
	for _, f := range r.Checks {
		wrap(w, fmt.Sprintf("%-5s %-14s ", marks[f.Level], f.Check), indent, width, f.Text)
		below := func(label, text string) {
			if text != "" {
				wrap(w, fmt.Sprintf("%*s%-6s", indent, "", label), indent+6, width, text)
			}
		}
		below("seen:", f.Seen)
		below("why:", f.Cause)
		label := "do:"
		for _, text := range f.Do {
			below(label, text)
			label = "or:"
		}
		if len(f.Commands) == 0 {
			continue
		}
		fmt.Fprintln(w)
		for _, c := range f.Commands {
			fmt.Fprintln(w, "  "+strings.ReplaceAll(c, "\n", "\n  "))
		}
		fmt.Fprintln(w)
	}
}

// wrap prints text after first; lines after the first one are indented by rest.
func wrap(w io.Writer, first string, rest, width int, text string) {
	line, used := first, len([]rune(first))
	begun := false
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		if width > 0 && begun && used+1+n > width {
			fmt.Fprintln(w, line)
			line, used, begun = strings.Repeat(" ", rest), rest, false
		}
		if begun {
			line, used = line+" ", used+1
		}
		line, used, begun = line+word, used+n, true
	}
	fmt.Fprintln(w, line)
}
