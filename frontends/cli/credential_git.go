package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// maxGitRequest bounds what git may say. Its own bound for a line is 64 KiB.
const maxGitRequest = 1 << 20

// credentialGit is a credential helper (https://git-scm.com/docs/gitcredentials and
// https://git-scm.com/docs/git-credential#IOFMT). It has an answer for the profile's
// targets and for nothing else, since git asks its helpers about every host; and
// keeps nothing, since the session is kept already. A token that a service refused
// stays: what refuses it may be the service itself, and signing in is not for git.
func credentialGit(ctx context.Context, in *Invocation) error {
	if in.Args().First() != "get" { // an operation that a helper does not know is none
		_, _ = io.Copy(io.Discard, io.LimitReader(in.Stdin, maxGitRequest))
		return nil
	}
	// Before git's words are read: the host may have to read them.
	t, err := in.openTool(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	if len(t.settings.Targets) == 0 {
		return noTargets("git", "https://git.example.com")
	}
	ask, err := readGitRequest(in.Stdin)
	if err != nil {
		return err
	}
	if ok, err := isTarget(t.settings, ask.url); err != nil || !ok {
		return err
	}
	err = answerGit(ctx, in, t, ask)
	if err != nil {
		// Without this, git asks the person for a password, which IAP does not take.
		fmt.Fprintln(in.Stdout, "quit=1")
	}
	return err
}

// answerGit gives git a token, which no other helper is to keep.
func answerGit(ctx context.Context, in *Invocation, t *tool, ask gitRequest) error {
	if t.failed == nil && !slices.Contains(ask.capabilities, "authtype") {
		return &hintedError{errors.New("this git takes a user name and a password from a helper, not a token: that began with git 2.46"),
			fmt.Sprintf("tokentoss token --jar FILE %[1]s, and git config http.%[1]s.cookieFile FILE; or tokentoss proxy %[1]s", ask.url)}
	}
	id, text, err := t.token(ctx, oneShot)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(in.Stdout, "capability[]=authtype\nauthtype=Bearer\ncredential=%s\nephemeral=1\npassword_expiry_utc=%d\n", text, id.Expiry.Unix())
	return err
}

// A gitRequest is what git asks for.
type gitRequest struct {
	url          *url.URL // of the host
	capabilities []string // of this git
}

// readGitRequest reads lines of NAME=VALUE, up to an empty one. Those that are not
// known do not count.
func readGitRequest(r io.Reader) (gitRequest, error) {
	ask := gitRequest{url: new(url.URL)}
	lines := bufio.NewScanner(io.LimitReader(r, maxGitRequest))
	lines.Buffer(nil, 128<<10)
	for lines.Scan() && lines.Text() != "" {
		switch name, value, _ := strings.Cut(lines.Text(), "="); name {
		case "protocol":
			ask.url.Scheme = value
		case "host":
			ask.url.Host = value
		case "capability[]":
			ask.capabilities = append(ask.capabilities, value)
		}
	}
	if err := lines.Err(); err != nil {
		return gitRequest{}, fmt.Errorf("what git asks for: %w", err)
	}
	return ask, nil
}
