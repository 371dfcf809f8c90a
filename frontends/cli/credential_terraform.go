package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
)

// A terraformAnswer is empty for a host that there is no token for.
type terraformAnswer struct {
	Token string `json:"token,omitempty"`
}

// credentialTerraform is a credentials helper of OpenTofu and Terraform
// (https://opentofu.org/docs/internals/credentials-helpers/), which ask about every host.
// They keep a token for as long as they run. Nothing is stored: the session is kept
// already.
func credentialTerraform(ctx context.Context, in *Invocation) error {
	verb, host := in.Args().Get(0), in.Args().Get(1)
	switch verb {
	case "get":
	case "forget":
		return nil // there is nothing to forget
	case "store":
		return &hintedError{errors.New("tokens of " + host + " are not stored: tokentoss has its own session"), "tokentoss login"}
	default:
		return usagef("tokentoss credential terraform get HOST", "credential terraform: there is no %q", verb)
	}
	t, err := in.openTool(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	ok, err := isTarget(t.settings, &url.URL{Scheme: "https", Host: host})
	answer := terraformAnswer{}
	if err == nil && ok {
		_, answer.Token, err = t.token(ctx, oneShot)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(in.Stdout).Encode(answer)
}
