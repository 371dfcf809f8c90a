package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
)

var tokenFormats = []string{"raw", "header", "json", "env", "curl", "cookie"}

func (c *commands) token() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "print a valid ID token", Category: "requests", ArgsUsage: "[URL]",
		Description: "Standard output is the token and nothing else. Formats:\n" +
			"  raw     the token\n" +
			"  header  Authorization: Bearer TOKEN\n" +
			"  json    the token, whose it is, and when it expires\n" +
			"  env     export IAP_TOKEN=TOKEN, for eval\n" +
			"  curl    a configuration for curl --config -\n" +
			"  cookie  a cookie jar for URL, or NAME=VALUE without one",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "jar", Usage: "put the cookie into `FILE`, a cookie jar; prints nothing"},
			&cli.StringFlag{Name: "format", Usage: "one of the `FORMAT`s above", Value: "raw"},
			&cli.BoolFlag{Name: "access", Usage: "the access token, for Google's APIs; IAP does not take it"},
		},
		Action: c.run(0, 1, token),
	}
}

// token prints a token. Where that is not possible, standard output stays empty.
func token(ctx context.Context, in *Invocation) error {
	format, jar, target := in.String("format"), in.String("jar"), in.Args().First()
	if jar != "" && !in.IsSet("format") {
		format = "cookie"
	}
	if !slices.Contains(tokenFormats, format) {
		return usagef("one of "+strings.Join(tokenFormats, ", "), "token: there is no format %q", format)
	}
	switch cookie := format == "cookie"; {
	case jar != "" && !cookie:
		return usagef("tokentoss token --help", "token: --jar goes with --format cookie only")
	case target != "" && !cookie:
		return usagef("tokentoss token --help", "token: a URL goes with --format cookie only")
	case jar != "" && target == "":
		return usagef("tokentoss token --jar FILE https://my-service.run.app", "token: the cookie in --jar is for which URL?")
	case cookie && in.Bool("access"):
		return usagef("leave --access out", "token: IAP takes no access token, in a cookie either")
	}
	jar, err := in.path("jar")
	if err != nil {
		return err
	}
	p, err := in.open(ctx, oneToken, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	if target != "" {
		if err := in.mayGet(p, target); err != nil {
			return err
		}
	}
	id, err := p.IDToken(ctx)
	if err != nil {
		return err
	}
	if jar != "" {
		return writeJar(jar, target, id)
	}
	value := id.Value
	if in.Bool("access") {
		if value, err = p.AccessToken(ctx); err != nil {
			return err
		}
	}
	text, err := formatToken(format, target, value, id, in.Bool("access"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(in.Stdout, text)
	return err
}

// formatToken writes a token in one of [tokenFormats].
func formatToken(format, target string, value core.Secret, id core.IDToken, access bool) (string, error) {
	text, err := lineOf(value)
	if err != nil {
		return "", err
	}
	switch format {
	case "header":
		return "Authorization: Bearer " + text, nil
	case "env":
		return "export IAP_TOKEN=" + shellWord(text), nil
	case "curl":
		return curlConfig(value, false)
	case "cookie":
		return cookie(target, id)
	case "json":
		out := map[string]any{
			"email": id.Email, "sub": id.Subject, "issuer": id.Issuer, "audience": id.Audience, "expiry": id.Expiry.UTC().Format(time.RFC3339),
		}
		name := "id_token"
		if access {
			name = "access_token"
		}
		out[name] = text
		b, err := json.MarshalIndent(out, "", "  ")
		return string(b), err
	}
	return text, nil
}

// lineOf returns a token for a format in which a line break, or another control
// character, would begin something else: a header, a setting, a cookie.
func lineOf(token core.Secret) (string, error) {
	text := token.Reveal()
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", &hintedError{errors.New("what is stored as the token has characters that no token has, and is not passed on"), "tokentoss login"}
	}
	return text, nil
}

// shellWord quotes a token for a POSIX shell, if it needs that. An ID token is
// base64url and dots; an access token is what its provider likes.
func shellWord(token string) string {
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~+/=", r))
	}
	if strings.IndexFunc(token, odd) < 0 {
		return token
	}
	return "'" + strings.ReplaceAll(token, "'", `'\''`) + "'"
}

// curlConfig is a curl configuration file that adds the token.
func curlConfig(token core.Secret, proxyHeader bool) (string, error) {
	value, err := lineOf(token)
	if err != nil {
		return "", err
	}
	name := "Authorization"
	if proxyHeader {
		name = "Proxy-Authorization"
	}
	return fmt.Sprintf("header = \"%s: Bearer %s\"", name, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)), nil
}

// parseTarget reads the URL of a service, and says what is wrong with it rather
// than guess: a token goes there.
func parseTarget(raw string) (*url.URL, error) {
	scheme, rest, hasScheme := strings.Cut(raw, "://")
	if !hasScheme {
		rest = raw
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	switch {
	case strings.Contains(rest, "@"): // no error below may show a password
		return nil, usagef("a URL is like https://my-service.run.app/path", "the URL has a user name or password: leave that out")
	case !hasScheme && (raw == "" || raw[0] == '/'):
		return nil, usagef("a URL is like https://my-service.run.app/path", "%q names no host", raw)
	case !hasScheme:
		return nil, usagef("did you mean https://"+raw+"?", "%q has no scheme", raw)
	case !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http"):
		return nil, usagef("a URL begins with https://", "%q: there is no scheme %q", raw, scheme)
	}
	u, err := url.Parse(raw)
	if err == nil && strings.Contains(u.RawQuery, " ") {
		return nil, usagef("write %20 for a space", "the URL has a space in its query")
	}
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, usagef("check the URL", "%q is not a URL: %v", raw, err)
	}
	if u.Hostname() == "" {
		return nil, usagef("a URL is like https://my-service.run.app/path", "%q names no host", raw)
	}
	return u, nil
}
