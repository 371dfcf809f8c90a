package cli

import (
	"slices"
	"strings"
	"testing"
)

// Options may stand before or after arguments, global ones before or after the
// command; what a wrapped command gets is its own.
func TestPermute(t *testing.T) {
	app := (&commands{}).app()
	for line, want := range map[string]string{
		"tokentoss":                                     "tokentoss",
		"tokentoss status --profile work":               "tokentoss --profile work status",
		"tokentoss get https://a/ -o f --include":       "tokentoss get -o f --include https://a/",
		"tokentoss get https://a/ -H A:b --profile=w":   "tokentoss --profile=w get -H A:b https://a/",
		"tokentoss --verbose post https://a/ --json {}": "tokentoss --verbose post --json {} https://a/",
		"tokentoss profile add x --login-hint a@b.c":    "tokentoss profile add --login-hint a@b.c x",
		"tokentoss exec -- sh -c true":                  "tokentoss exec -- sh -c true",
		"tokentoss exec sh -c true --profile x":         "tokentoss exec sh -c true --profile x",
		"tokentoss curl https://a/ -- -o f":             "tokentoss curl https://a/ -- -o f",
		"tokentoss curl --profile w https://a/ -sS":     "tokentoss --profile w curl https://a/ -sS",
		"tokentoss get - --no-such":                     "tokentoss get --no-such -",
		"tokentoss token --format":                      "tokentoss token --format",
		"tokentoss get get":                             "tokentoss get get",
		// The option lacks its value; what it would be about is left out, and "get" is not its value.
		"tokentoss get https://a/ --profile": "tokentoss --profile",
		"tokentoss get https://a/ -o":        "tokentoss get -o",
	} {
		args := strings.Fields(line)
		before := slices.Clone(args)
		if got := strings.Join(permute(app, args), " "); got != want {
			t.Errorf("permute(%q)\n got %q\nwant %q", line, got, want)
		}
		if !slices.Equal(args, before) {
			t.Errorf("permute(%q) changed its argument", line)
		}
	}
}

// "tokentoss token" is answered without the command tree only where the tree
// could not say anything else.
func TestIsHot(t *testing.T) {
	token := []string{"tokentoss", "token"}
	for _, tt := range []struct {
		args, env []string
		want      bool
	}{
		{token, nil, true},
		{token, []string{"HOME=/", "TOKENTOSS_CONFIG_DIR=/x", "TOKENTOSS_PROFILE=work", "TOKENTOSS_INSECURE_LOOPBACK=1"}, true},
		{token, []string{"TOKENTOSS_FORMAT="}, true},
		{token, []string{"TOKENTOSS_FORMAT=json"}, false},
		{token, []string{"TOKENTOSS_VERBOSE=1"}, false},
		{token, []string{"TOKENTOSS_ACCESS=true"}, false},
		{[]string{"tokentoss", "token", "--format=raw"}, nil, false},
		{[]string{"tokentoss", "status"}, nil, false},
		{[]string{"tokentoss"}, nil, false},
		{nil, nil, false},
	} {
		if got := isHot(tt.args, tt.env); got != tt.want {
			t.Errorf("isHot(%q, %q) = %v", tt.args, tt.env, got)
		}
	}
}

// Every option has its environment variable, but those that carry one request's
// content.
func TestEveryOptionHasAVariable(t *testing.T) {
	app := (&commands{}).app()
	for _, c := range app.Commands {
		for _, f := range c.Flags {
			name := f.Names()[0]
			want := "TOKENTOSS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
			got := f.(interface{ GetEnvVars() []string }).GetEnvVars()
			if slices.Contains(noEnv, name) != (len(got) == 0) || len(got) > 0 && got[0] != want {
				t.Errorf("%s --%s has %q", c.Name, name, got)
			}
		}
	}
}

// A hint that is a command is about the profile that the failed one was about.
func TestHintsNameTheProfile(t *testing.T) {
	for line, want := range map[string]string{
		"tokentoss status":                             "tokentoss login",
		"tokentoss status --profile work":              "tokentoss --profile work login",
		"tokentoss --config-dir=/a/b --verbose status": "tokentoss --config-dir /a/b login",
	} {
		app := (&commands{}).app()
		var b strings.Builder
		say := messages{w: &b, options: placeOptions(permute(app, strings.Fields(line)))}
		say.hint("tokentoss login")
		say.hint("tokentoss profile add wrok") // is not about that profile
		if got := b.String(); got != "tokentoss: hint: "+want+"\ntokentoss: hint: tokentoss profile add wrok\n" {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
