// Package ask has a person prompted in the way that all flows do.
package ask

import (
	"context"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
)

// Until prompts until take has no error for the answer; its error is what the next
// prompt says is wrong. A prompter that has no answer to give is not asked again, nor
// is any when ctx has ended.
func Until(ctx context.Context, p core.Prompter, prompt core.Prompt, take func(answer string) error) error {
	for {
		answer, err := p.Prompt(ctx, prompt)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the answer came another way
		case err != nil:
			return fmt.Errorf("sign-in prompt: %w", err)
		case answer == "":
			return nil
		}
		if err = take(answer); err == nil {
			return nil
		}
		prompt.Problem = err.Error()
	}
}
