package cli

import (
	"context"
	"fmt"
)

// credentialPnpm is a token helper of pnpm (https://pnpm.io/npmrc#url-tokenhelper), which
// is called without arguments and not told for whom: the person's .npmrc, in which pnpm
// wants it, alone says where the token goes. pnpm asks once and keeps the answer.
func credentialPnpm(ctx context.Context, in *Invocation) error {
	t, err := in.openTool(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	_, text, err := t.token(ctx, oneShot)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(in.Stdout, "Bearer "+text)
	return err
}
