package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core/proxyenv"
)

func (c *commands) curl() *cli.Command {
	return &cli.Command{
		Name: "curl", Usage: "run curl with the token, which it gets through a pipe", Category: "requests",
		ArgsUsage: "URL -- CURL-ARGUMENTS", Action: c.run(1, -1, curl),
		Description: "Options of curl that could send the token to another place than the URL, or show it,\n" +
			"are refused, and so are those that are not known here. -v shows the request without the token.\n" +
			"curl's configuration file is not read: HTTPS_PROXY, NO_PROXY, CURL_CA_BUNDLE take its place.",
	}
}

// curl runs the real curl for a URL. The token comes to it through a pipe: an
// argument or an environment variable could be seen by others.
func curl(ctx context.Context, in *Invocation) error {
	words := in.Args().Slice()
	target, err := in.target(words[0])
	if err != nil {
		return err
	}
	words = words[1:]
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	args, err := readCurlArgs(words)
	if err != nil {
		return err
	}
	path, err := exec.LookPath("curl")
	if err != nil {
		return &hintedError{errors.New("there is no curl on this machine"), "install curl, or use tokentoss get"}
	}
	if err := checkCurlProxy(target); err != nil {
		return err
	}
	if args.follow {
		if err := checkCurlFollows(ctx, path); err != nil {
			return err
		}
	}
	p, err := in.open(ctx, oneToken, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	// The transport's rules for where a token may go are the rules here too.
	if err := in.mayGet(p, target); err != nil {
		return err
	}
	if p.Requests() != nil {
		return in.curlByRun(path, target, args)
	}
	id, err := p.IDToken(ctx)
	if err != nil {
		return err
	}
	if file := curlConfigFile(os.Getenv); file != "" {
		in.say.say("%s is not read: HTTPS_PROXY, NO_PROXY and CURL_CA_BUNDLE take its place", file)
	}
	// IAP tries Proxy-Authorization first and takes it out
	// (https://docs.cloud.google.com/iap/docs/authentication-howto).
	config, err := curlConfig(id.Value, args.authorization)
	if err != nil {
		return err
	}
	return runCurl(ctx, in, path, target, args, config, id.Value.Reveal())
}

// curlByRun runs curl where the session is another machine's, which gives no token but
// makes the requests: as a run does, with the same rules.
func (in *Invocation) curlByRun(path, target string, args *curlArgs) error {
	own, err := os.Executable()
	if err != nil {
		return err
	}
	words := append([]string{own}, in.args[1:len(in.args)-in.NArg()-1]...) // without "curl", which has no options
	words = append(append(words, "run", "--for", target, "--", path, "--disable"), args.list...)
	return in.Become(own, append(words, curlRules(target)...), os.Environ())
}

// runCurl runs curl with a configuration that holds the token.
func runCurl(ctx context.Context, in *Invocation, path, target string, args *curlArgs, config, token string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in.Stdin, in.Stdout, in.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Args = append([]string{path, "--disable", "--config", configFile(cmd, r)}, args.list...)
	cmd.Args = append(cmd.Args, curlRules(target)...)
	cmd.Env = childEnv()
	var shown *redactor
	if args.verbose {
		shown = &redactor{w: in.Stderr, secret: token}
		cmd.Stderr = shown
	}
	err = cmd.Start()
	if err == nil {
		// A token is smaller than a pipe's buffer: this does not wait for curl.
		_, _ = io.WriteString(w, config+"\n")
	}
	_ = w.Close()
	if err != nil {
		return fmt.Errorf("curl: %w", err)
	}
	err = cmd.Wait()
	if shown != nil {
		shown.flush()
	}
	return passExit(err)
}

// curlRules end curl's arguments, so that they count more than those before: the URL
// means what it says, a redirect does not leave TLS, and no forward proxy sees a
// request that is not in a tunnel.
func curlRules(target string) []string {
	if strings.HasPrefix(strings.ToLower(target), "https:") {
		return []string{"--globoff", "--proto", "=https", "--proto-redir", "=https", "--url", target}
	}
	return []string{"--globoff", "--proto", "=http", "--proto-redir", "=http,https", "--noproxy", "*", "--url", target}
}

// checkCurlProxy refuses what curl would take for the URL of a proxy, and show in its
// error.
func checkCurlProxy(target string) error {
	u, err := url.Parse(target)
	if err != nil || u.Scheme == "http" { // which goes to no proxy
		return err
	}
	for _, name := range []string{"ALL_PROXY", "all_proxy"} {
		if value := os.Getenv(name); value != "" && !proxyenv.Valid(value) {
			return usagef("unset "+name+", or correct it", "the environment variable %s is not the URL of a proxy", name)
		}
	}
	return proxyenv.Check(u)
}

// checkCurlFollows finds out whether this curl keeps the token from other ports and
// protocols when it follows a redirect (https://curl.se/docs/CVE-2022-27774.html).
func checkCurlFollows(ctx context.Context, path string) error {
	out, err := exec.CommandContext(ctx, path, "--disable", "--version").Output()
	if err != nil {
		return fmt.Errorf("curl --version: %w", err)
	}
	major, minor, ok := curlVersion(string(out))
	if ok && (major > 7 || major == 7 && minor >= 83) {
		return nil
	}
	first, _, _ := strings.Cut(string(out), " (")
	return usagef("leave -L out, or use tokentoss get, which follows redirects",
		"curl: -L needs curl 7.83 or later, which sends no token to another port; this is %s", first)
}

// curlConfigFile returns the configuration file that curl would read by itself, or "".
func curlConfigFile(getenv func(string) string) string {
	for _, at := range [][2]string{{"CURL_HOME", ".curlrc"}, {"XDG_CONFIG_HOME", "curlrc"}, {"HOME", ".curlrc"},
		{"HOME", filepath.Join(".config", "curlrc")}, {"USERPROFILE", ".curlrc"}, {"APPDATA", ".curlrc"}, {"APPDATA", "_curlrc"}} {
		dir := getenv(at[0])
		if dir == "" {
			continue
		}
		file := filepath.Join(dir, at[1])
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			return file
		}
	}
	return ""
}

// passExit passes a wrapped command's exit code on.
func passExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &exitError{code: max(exit.ExitCode(), exitFailed)}
	}
	return err
}
