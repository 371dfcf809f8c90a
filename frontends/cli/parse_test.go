package cli

import (
	"slices"
	"strings"
	"testing"
)

// Options may stand before or after arguments, global ones before or after the
// command; what a wrapped command gets is its own.
func TestParse(t *testing.T) {
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
		"tokentoss get get":                             "tokentoss get get",
	} {
		args := strings.Fields(line)
		before := slices.Clone(args)
		got, err := parse(app, args)
		if got := strings.Join(got, " "); got != want || err != nil {
			t.Errorf("parse(%q)\n got %q, %v\nwant %q", line, got, err, want)
		}
		if !slices.Equal(args, before) {
			t.Errorf("parse(%q) changed its argument", line)
		}
	}
}

// What is wrong with a command line is found in the tree, whatever package flag
// would say.
func TestParseFindsWrongUsage(t *testing.T) {
	app := (&commands{}).app()
	for _, tt := range []struct{ line, want, hint string }{
		{"get - --no-such", "tokentoss get: there is no option --no-such", "tokentoss get --help"},
		{"login --no-browsr", "tokentoss login: there is no option --no-browsr", "did you mean --no-browser?"},
		{"--xyzzy status", "tokentoss: there is no option --xyzzy", "tokentoss --help"},
		{"status --version", "tokentoss status: there is no option --version", "tokentoss status --help"},
		{"token --format", "tokentoss token: option --format needs a value", "tokentoss token --help"},
		{"get https://a/ --profile", "tokentoss: option --profile needs a value", "tokentoss --help"},
		{"get https://a/ -o", "tokentoss get: option -o needs a value", "tokentoss get --help"},
		{"login --timeout 5", `tokentoss login: option --timeout is "5", which is not a duration of 0 or more, such as 90s or 5m`, "tokentoss login --help"},
		{"login --timeout=-1s", `tokentoss login: option --timeout is "-1s", which is not a duration of 0 or more, such as 90s or 5m`, "tokentoss login --help"},
		{"login --redirect-port many", `tokentoss login: option --redirect-port is "many", which is not a number`, "tokentoss login --help"},
		{"status --verbose=maybe", `tokentoss: option --verbose is "maybe", which is not true or false`, "tokentoss --help"},
		{"curl -s -X POST https://a/", "tokentoss curl: there is no option -s", "its options follow the dashes: tokentoss curl URL -- CURL-ARGUMENTS"},
	} {
		_, err := parse(app, append([]string{"tokentoss"}, strings.Fields(tt.line)...))
		if err == nil || err.Error() != tt.want || hintFor(err) != tt.hint || exitCode(err) != exitUsage {
			t.Errorf("%s: %v, hint %q, exit code %d", tt.line, err, hintFor(err), exitCode(err))
		}
	}
	for _, line := range []string{"--help", "-h", "--version", "-v", "status --help", "profile add -h", "completion bash", "get --timeout=0s https://a/"} {
		if _, err := parse(app, append([]string{"tokentoss"}, strings.Fields(line)...)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	t.Setenv("TOKENTOSS_TIMEOUT", "soon")
	_, err := parse(app, []string{"tokentoss", "login"})
	if want := `the environment variable TOKENTOSS_TIMEOUT is "soon", which is not a duration of 0 or more, such as 90s or 5m`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	for _, line := range []string{"status", "login --timeout 5s"} { // which have no such option, or have it
		if _, err := parse(app, append([]string{"tokentoss"}, strings.Fields(line)...)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// "tokentoss token" is answered without the command tree only where the tree
// could not say anything else.
func TestIsPlainToken(t *testing.T) {
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
		if got := isPlainToken(tt.args, tt.env); got != tt.want {
			t.Errorf("isPlainToken(%q, %q) = %v", tt.args, tt.env, got)
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
		placed, err := parse(app, strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		say := messages{w: &b, options: placeOptions(placed)}
		say.hint("tokentoss login")
		say.hint("tokentoss profile add wrok") // is not about that profile
		if got := b.String(); got != "tokentoss: hint: "+want+"\ntokentoss: hint: tokentoss profile add wrok\n" {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
