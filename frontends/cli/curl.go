package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core/iap"
)

func (c *commands) curl() *cli.Command {
	return &cli.Command{
		Name: "curl", Usage: "run curl with the token, which it gets through a pipe", Category: "requests",
		ArgsUsage: "URL -- CURL-ARGUMENTS", Action: c.run(1, -1, curl),
	}
}

// curl runs the real curl for a URL. The token comes to it through a pipe: an
// argument or an environment variable could be seen by others.
func curl(ctx context.Context, in *Invocation) error {
	args := in.Args().Slice()
	target, err := in.target(args[0])
	if err != nil {
		return err
	}
	args = args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if err := checkCurl(args); err != nil {
		return err
	}
	path, err := exec.LookPath("curl")
	if err != nil {
		return &hintedError{errors.New("there is no curl on this machine"), "install curl, or use tokentoss get"}
	}
	p, err := in.open(ctx, oneToken, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	// The transport's rules for where a token may go are the rules here too.
	if _, err := iap.NewTransport(p.Session, iap.Options{Origins: []string{target}, InsecureLoopback: p.Settings.InsecureLoopback}); err != nil {
		return refusedTarget(err, target)
	}
	id, err := p.IDToken(ctx)
	if err != nil {
		return err
	}
	own := hasAuthorization(args)
	if own {
		// curl takes Authorization out of a request to another host, and nothing
		// else: the token would go along with a redirect.
		args = append(args, "--no-location")
	}
	return runCurl(ctx, in, path, target, args, curlConfig(id.Value.Reveal(), own))
}

func runCurl(ctx context.Context, in *Invocation, path, target string, args []string, config string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, path)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in.Stdin, in.Stdout, in.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Args = append([]string{path, "--config", configFile(cmd, r)}, append(args, target)...)
	cmd.Env = childEnv()
	err = cmd.Start()
	if err == nil {
		// A token is smaller than a pipe's buffer: this does not wait for curl.
		_, _ = w.WriteString(config + "\n")
	}
	_ = w.Close()
	if err != nil {
		return fmt.Errorf("curl: %w", err)
	}
	return passExit(cmd.Wait())
}

// passExit passes a wrapped command's exit code on.
func passExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &exitError{code: max(exit.ExitCode(), exitFailed)}
	}
	return err
}

// hasAuthorization tells whether curl is to send an Authorization of its own;
// the token then goes into Proxy-Authorization, which IAP tries first and takes
// out (https://docs.cloud.google.com/iap/docs/authentication-howto).
func hasAuthorization(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool {
		a = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(a, "--header="), "-H")))
		return strings.HasPrefix(a, "authorization:") || strings.HasPrefix(a, "-u") || a == "--user" || a == "--oauth2-bearer"
	})
}

// checkCurl refuses arguments that would send the token to another place than
// the URL. It sees the obvious ones; curl's arguments are the person's own.
func checkCurl(args []string) error {
	takesURL := []string{"-x", "--proxy", "--preproxy", "-e", "--referer", "-d", "--data", "--data-raw", "--data-binary", "--data-ascii",
		"--data-urlencode", "--json", "-H", "--header", "-F", "--form", "--form-string", "-A", "--user-agent", "-b", "--cookie", "--doh-url", "-w", "--write-out", "-o", "--output"}
	for i, a := range args {
		switch name, _, _ := strings.Cut(a, "="); {
		case slices.Contains([]string{"--next", "-:", "--url", "--location-trusted", "--config"}, name), strings.HasPrefix(a, "-K"):
			return usagef("run tokentoss curl once for each URL", "curl: %s could send the token elsewhere", name)
		case strings.Contains(a, "://") && !strings.HasPrefix(a, "-") && (i == 0 || !slices.Contains(takesURL, args[i-1])):
			return usagef("run tokentoss curl once for each URL", "curl: a second URL would get the token too")
		}
	}
	return nil
}
