package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rsc.io/qr"
)

// A link is sent to terminals only that are known to make one of it.
func TestLinksAreForKnownTerminals(t *testing.T) {
	for env, want := range map[string]bool{
		"": false, "TERM=xterm-256color": false, "TERM=linux": false, "TERM=xterm-kitty": true, "TERM=alacritty": true,
		"TERM=xterm-256color TERM_PROGRAM=iTerm.app": true, "TERM=xterm-256color TERM_PROGRAM=Apple_Terminal": false,
		"TERM=xterm-256color VTE_VERSION=6800": true, "TERM=xterm-256color VTE_VERSION=4600": false, "TERM=xterm-256color WT_SESSION=x": true,
		"TERM=tmux-256color TERM_PROGRAM=tmux TERM_PROGRAM_VERSION=3.3a":             false,
		"TERM=tmux-256color TERM_PROGRAM=tmux TERM_PROGRAM_VERSION=3.4":              true,
		"TERM=screen-256color VTE_VERSION=6800":                                      false, // of the terminal around it
		"TERM=screen TMUX=/x TERM_PROGRAM=iTerm.app":                                 false,
		"TERM=tmux-256color TERM_PROGRAM=tmux TERM_PROGRAM_VERSION=next-3.6 TMUX=/x": false,
	} {
		set := map[string]string{}
		for _, e := range strings.Fields(env) {
			name, value, _ := strings.Cut(e, "=")
			set[name] = value
		}
		if got := hasLinks(func(name string) string { return set[name] }); got != want {
			t.Errorf("%q: %v", env, got)
		}
	}
}

// What is no terminal, or wants to be left alone, gets plain text.
func TestPlainTextWhereNothingElseIsWanted(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if canDecorate(f, func(string) string { return "" }) {
		t.Error("a file was taken for a terminal")
	}
}

// What is drawn is the code, light on dark, with a border.
func TestQRCodeIsDrawnWhole(t *testing.T) {
	const text = "https://www.google.com/device"
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(qrCode(text, 0), "\n"), "\n")
	if want := (code.Size + 2*quiet + 1) / 2; len(lines) != want {
		t.Fatalf("%d lines, want %d", len(lines), want)
	}
	for i, line := range lines {
		cells := []rune(strings.TrimSuffix(strings.TrimPrefix(line, "\x1b[40;97m"), "\x1b[0m"))
		if len(cells) != code.Size+2*quiet {
			t.Fatalf("a line of %d", len(cells))
		}
		for j, cell := range cells {
			x, y := j-quiet, 2*i-quiet
			if upper := cell == '█' || cell == '▀'; upper == code.Black(x, y) {
				t.Errorf("the module %d, %d is wrong", x, y)
			}
			if lower := cell == '█' || cell == '▄'; lower == code.Black(x, y+1) {
				t.Errorf("the module %d, %d is wrong", x, y+1)
			}
		}
	}
	if qrCode(text, 20) != "" {
		t.Error("it was drawn wider than the terminal")
	}
}
