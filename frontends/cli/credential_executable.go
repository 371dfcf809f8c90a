package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/tokentoss/tokentoss/core"
)

// Variables in which Google's libraries say what they ask for.
const (
	googleTokenType   = "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE"
	googleInteractive = "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE"
	googleRevoke      = "GOOGLE_EXTERNAL_ACCOUNT_REVOKE"
)

const (
	typeIDToken = "urn:ietf:params:oauth:token-type:id_token"
	typeJWT     = "urn:ietf:params:oauth:token-type:jwt"
)

// An executableAnswer is what Google's libraries read (https://google.aip.dev/auth/4117).
type executableAnswer struct {
	Version int    `json:"version"`
	Success bool   `json:"success"`
	Type    string `json:"token_type,omitempty"`
	IDToken string `json:"id_token,omitempty"`
	Expires int64  `json:"expiration_time,omitempty"` // in seconds since 1970
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// credentialExecutable is an executable source of Google's client libraries. A
// failure is an answer as well: the exit code is 0, since of any other the
// libraries show nothing but the number. Some of them read standard error as a
// part of the answer, so nothing is said there. What it answers is not written to
// GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE, which would be a second place for tokens.
func credentialExecutable(ctx context.Context, in *Invocation) error {
	in.say.w, in.Stderr = io.Discard, io.Discard
	answer := executableAnswer{Version: 1}
	id, err := executableToken(ctx, in)
	switch {
	case isDelegated(err):
		return err
	case err != nil:
		text, hint := explain(err)
		if hint != "" {
			text += "; " + hint
		}
		answer.Code, answer.Message = strconv.Itoa(exitCode(err)), oneLine(prefix+text)
	default:
		answer.Success, answer.Type, answer.IDToken, answer.Expires = true, typeIDToken, id.Value.Reveal(), id.Expiry.Unix()
	}
	return json.NewEncoder(in.Stdout).Encode(answer)
}

func executableToken(ctx context.Context, in *Invocation) (core.IDToken, error) {
	switch kind := os.Getenv(googleTokenType); {
	case kind != "" && kind != typeIDToken && kind != typeJWT:
		return core.IDToken{}, usagef(fmt.Sprintf("write %q into the credential configuration", typeIDToken), "there are no tokens of type %s here", kind)
	case os.Getenv(googleRevoke) == "1":
		return core.IDToken{}, usagef("tokentoss logout", "a session is not revoked by a library")
	case os.Getenv(googleInteractive) == "1":
		return core.IDToken{}, usagef("leave interactive mode out, and tokentoss login before", "nobody is asked to sign in by a library")
	}
	p, err := in.open(ctx, oneToken, nil)
	if err != nil {
		return core.IDToken{}, err
	}
	defer p.Close()
	return p.IDToken(ctx)
}
