package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/tokentoss/tokentoss/core/profile"
)

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
	req, err := in.newRequest(ctx, strings.ToUpper(in.Command.Name), target)
	if err != nil {
		return err
	}
	p, err := in.open(nil)
	if err != nil {
		return err
	}
	defer p.Close()
	client, err := p.HTTPClient(target)
	if err != nil {
		return refusedTarget(err, target)
	}
	res, err := client.Do(req)
	if err != nil {
		return requestError(ctx, err)
	}
	defer res.Body.Close()
	if err := in.printResponse(res); err != nil {
		return requestError(ctx, err)
	}
	if res.StatusCode >= 400 {
		return &exitError{exitFailed, fmt.Errorf("%s answered %s", res.Request.URL.Host, res.Status)}
	}
	return nil
}

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
	if errors.As(err, &setting) {
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
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// newRequest builds the request that the options describe.
func (in *Invocation) newRequest(ctx context.Context, method, target string) (*http.Request, error) {
	body, contentType, err := in.body()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, usagef("check the URL", "%v", err)
	}
	if f, ok := body.(*os.File); ok && f != os.Stdin {
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

// body returns the request's body and its content type.
func (in *Invocation) body() (io.Reader, string, error) {
	hasJSON, hasData := in.IsSet("json"), in.IsSet("data")
	switch {
	case hasJSON && hasData:
		return nil, "", usagef("give one of them", "--json and --data exclude each other")
	case hasJSON:
		r, err := in.content(in.String("json"))
		return r, "application/json", err
	case hasData:
		r, err := in.content(in.String("data"))
		return r, "application/x-www-form-urlencoded", err
	}
	return nil, "", nil
}

// content reads DATA, @FILE or @-.
func (in *Invocation) content(arg string) (io.Reader, error) {
	name, isFile := strings.CutPrefix(arg, "@")
	switch {
	case !isFile:
		return strings.NewReader(arg), nil
	case name == "-":
		return in.Stdin, nil
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

// printResponse writes the answer where it is wanted.
func (in *Invocation) printResponse(res *http.Response) error {
	out := in.Stdout
	if name := in.String("output"); name != "" && name != "-" {
		f, err := os.Create(name)
		if err != nil {
			return fmt.Errorf("the output: %w", err)
		}
		defer f.Close()
		out = f
	}
	if in.Bool("include") {
		fmt.Fprintf(out, "%s %s\r\n", res.Proto, res.Status)
		if err := res.Header.Write(out); err != nil {
			return err
		}
		fmt.Fprint(out, "\r\n")
	}
	if _, err := io.Copy(out, res.Body); err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	if f, ok := out.(*os.File); ok && f != os.Stdout {
		return f.Close()
	}
	return nil
}
