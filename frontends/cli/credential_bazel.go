package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// bazelKeeps is how long Bazel keeps an answer (--credential_helper_cache_duration, and
// a minute for what has begun by then).
const bazelKeeps = 31 * time.Minute

// A bazelAnswer says which headers to send, and until when
// (https://github.com/EngFlow/credential-helper-spec). Without headers none are wanted.
type bazelAnswer struct {
	Headers map[string][]string `json:"headers,omitempty"`
	Expires string              `json:"expires,omitempty"`
}

// credentialBazel is a credential helper of Bazel and of other tools that know its
// specification. It has an answer for the profile's targets, and an empty one for all
// else, since a helper may be set for every host.
func credentialBazel(ctx context.Context, in *Invocation) error {
	if verb := in.Args().First(); verb != "get" {
		return usagef("tokentoss credential bazel get", "credential bazel: there is no %q", verb)
	}
	// Before Bazel's words are read: the host may have to read them.
	t, err := in.openTool(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	if len(t.settings.Targets) == 0 {
		return noTargets("Bazel", "https://cache.example.com")
	}
	u, err := readBazelRequest(in.Stdin)
	if err != nil {
		return err
	}
	ok, err := isTarget(t.settings, u)
	answer := bazelAnswer{}
	if err == nil && ok {
		answer, err = answerBazel(ctx, t)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(in.Stdout).Encode(answer)
}

// answerBazel gives Bazel a token, for all but the last moments in which it is valid: it
// must be valid when it arrives, too.
func answerBazel(ctx context.Context, t *tool) (bazelAnswer, error) {
	id, text, err := t.token(ctx, bazelKeeps)
	if err != nil {
		return bazelAnswer{}, err
	}
	margin := min(time.Minute, time.Until(id.Expiry)/10)
	return bazelAnswer{
		Headers: map[string][]string{"Authorization": {"Bearer " + text}},
		Expires: id.Expiry.Add(-margin).UTC().Format(time.RFC3339),
	}, nil
}

// readBazelRequest returns the URL that Bazel asks about. gRPC is HTTP.
func readBazelRequest(r io.Reader) (*url.URL, error) {
	var ask struct {
		URI string `json:"uri"`
	}
	if err := json.NewDecoder(io.LimitReader(r, maxInput)).Decode(&ask); err != nil {
		return nil, fmt.Errorf("what Bazel asks for: %w", err)
	}
	u, err := url.Parse(ask.URI)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("what Bazel asks for: the uri names no host")
	}
	switch strings.ToLower(u.Scheme) {
	case "grpcs":
		u.Scheme = "https"
	case "grpc":
		u.Scheme = "http"
	}
	return u, nil
}
