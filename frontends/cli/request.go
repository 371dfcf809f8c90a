package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/profile"
)

func (c *commands) request(method string) *cli.Command {
	flags := []cli.Flag{
		&cli.StringSliceFlag{Name: "header", Aliases: []string{"H"}, Usage: "send header `H`, \"Name: value\"; may be repeated"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the body to `FILE`"},
		&cli.BoolFlag{Name: "include", Aliases: []string{"i"}, Usage: "print status and headers before the body"},
		&cli.DurationFlag{Name: "timeout", Usage: "give up after `TIME`", DefaultText: "never"},
	}
	if method != "get" {
		flags = append(flags,
			&cli.StringFlag{Name: "json", Usage: "send JSON `DATA`, or @FILE, or @- for standard input"},
			&cli.StringFlag{Name: "data", Usage: "send `DATA`, or @FILE, or @- for standard input"})
	}
	return &cli.Command{
		Name: method, Usage: "send a " + strings.ToUpper(method) + " request to a service", Category: "requests", ArgsUsage: "URL",
		Flags: flags, Action: c.run(1, 1, request),
	}
}

// request sends one request, named as the command is, and prints the answer.
func request(ctx context.Context, in *Invocation) error {
	target, err := in.target(in.Args().First())
	if err != nil {
		return err
	}
	if d := in.Duration("timeout"); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, fmt.Errorf("no answer within %s", d))
		defer cancel()
	}
	p, err := in.open(ctx, anyTokens, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	req, err := in.newRequest(ctx, strings.ToUpper(in.Command.Name), target)
	if err != nil {
		return err
	}
	client, err := ClientFor(p, target)
	if err != nil {
		return err
	}
	res, err := in.fetch(ctx, client, req)
	if err != nil {
		return requestError(ctx, err)
	}
	if res.StatusCode >= 400 {
		return &exitError{exitFailed, fmt.Errorf("%s answered %s", res.Request.URL.Host, res.Status)}
	}
	return nil
}

// ClientFor returns a client that sends the session's token to a target.
func ClientFor(p *profile.Profile, target string) (*http.Client, error) {
	client, err := p.HTTPClient(target)
	if err != nil {
		return nil, refusedTarget(err, target)
	}
	return client, nil
}

// Target reads an argument that is a service's URL.
func Target(raw string) (*url.URL, error) { return parseTarget(raw) }

// target checks a URL and returns it.
func (in *Invocation) target(raw string) (string, error) {
	u, err := parseTarget(raw)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// refusedTarget explains a target that the transport does not take.
func refusedTarget(err error, target string) error {
	var setting *profile.SettingError
	if errors.As(err, &setting) || errors.Is(err, fault.BadConfig) || errors.Is(err, fault.Refused) {
		return err
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner // which of the origins it is needs no saying
	}
	u, perr := url.Parse(target)
	if perr != nil || u.Scheme != "http" {
		return usagef("a URL is like https://my-service.run.app/path", "%v", err)
	}
	hint := "use https://" + u.Host + u.EscapedPath()
	if host := u.Hostname(); host == "localhost" || net.ParseIP(host).IsLoopback() {
		hint += "; for an emulator, set " + profile.EnvInsecureLoopback + "=1"
	}
	return usagef(hint, "a token is not sent over plain http: %v", err)
}

// requestError takes the URL out of net/http's errors: its query may be private.
func requestError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return &hintedError{cause, "raise --timeout, or look at the service"}
	}
	var ue *url.Error
	if !errors.As(err, &ue) {
		return err
	}
	if u, perr := url.Parse(ue.URL); perr == nil && !interrupted(ctx, err) {
		return NoAnswer(u.Host, ue.Err)
	}
	return ue.Err
}

// NoAnswer explains why a request had no answer of a host.
func NoAnswer(host string, err error) error {
	switch {
	case untrusted(err):
		return &fault.Error{Op: "no answer from", Subject: host, Kind: fault.UntrustedServer, Err: err, Remedy: oidc.CertificateRemedy(err)}
	case hintFor(err) == "" && exitCode(err) == exitFailed:
		// Errors of the session and of IAP say what to do; those of the network do not.
		return &hintedError{fmt.Errorf("no answer from %s: %w", host, err), "check the address, the network and the service"}
	}
	return err
}

// untrusted tells whether err is that this machine does not trust the service's
// certificate. That of the provider is an error of the session.
func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate) && !errors.Is(err, fault.UntrustedServer)
}

// newRequest builds the request that the options describe.
func (in *Invocation) newRequest(ctx context.Context, method, target string) (*http.Request, error) {
	body, contentType, err := in.body(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, usagef("check the URL", "%v", err)
	}
	if f, ok := body.(*os.File); ok {
		// A file can be sent again after a refresh.
		name := f.Name()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			req.ContentLength = info.Size()
			req.GetBody = func() (io.ReadCloser, error) { return os.Open(name) }
		}
	}
	for _, h := range in.StringSlice("header") {
		name, value, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, usagef(`-H "Name: value"`, "a header has a name, a colon and a value") // it may be a secret
		}
		if err := checkHeader(name, value); err != nil {
			return nil, err
		}
		if strings.EqualFold(name, "Host") {
			req.Host = strings.TrimSpace(value)
			continue
		}
		req.Header.Add(name, strings.TrimSpace(value))
	}
	for name, value := range map[string]string{"User-Agent": "tokentoss/" + version(), "Content-Type": contentType} {
		if value != "" && req.Header.Get(name) == "" {
			req.Header.Set(name, value)
		}
	}
	return req, nil
}

// checkHeader finds what no header has, which package net/http would find too,
// but only after the sign-in. It does not show the value, which may be a secret.
func checkHeader(name, value string) error {
	if strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	}) {
		return usagef(`-H "Name: value"`, "%q is not the name of a header", name)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return usagef(`-H "Name: value"`, "the value of header %s has a line break or another control character", name)
	}
	return nil
}

// body returns the request's body and its content type.
func (in *Invocation) body(ctx context.Context) (io.Reader, string, error) {
	hasJSON, hasData := in.IsSet("json"), in.IsSet("data")
	switch {
	case hasJSON && hasData:
		return nil, "", usagef("give one of them", "--json and --data exclude each other")
	case hasJSON:
		r, err := in.content(ctx, in.String("json"))
		return r, "application/json", err
	case hasData:
		r, err := in.content(ctx, in.String("data"))
		return r, "application/x-www-form-urlencoded", err
	}
	return nil, "", nil
}

// maxReplay bounds what is kept of standard input to be sent again.
const maxReplay = 1 << 20

// replayable returns what r has: as a body that can be sent again after a
// refresh, if it is short, and as it comes if not.
func replayable(r io.Reader) (io.Reader, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxReplay))
	if err != nil {
		return nil, fmt.Errorf("the body: %w", err)
	}
	if len(data) < maxReplay {
		return bytes.NewReader(data), nil
	}
	return io.MultiReader(bytes.NewReader(data), r), nil
}

// content reads DATA, @FILE or @-.
func (in *Invocation) content(ctx context.Context, arg string) (io.Reader, error) {
	name, isFile := strings.CutPrefix(arg, "@")
	switch {
	case !isFile:
		return strings.NewReader(arg), nil
	case name == "-":
		return replayable(stdin(ctx, in.Stdin))
	}
	name, err := privatefile.Resolve(name, "")
	if err != nil {
		return nil, fmt.Errorf("the body: %w", err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &hintedError{fmt.Errorf("the body: %w", err), "check the path; @ before it means a file"}
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close()
		return nil, &hintedError{fmt.Errorf("the body: %s is a directory", name), "name a file"}
	}
	return f, nil
}
