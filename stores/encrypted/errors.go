package encrypted

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
)

// A WorkFactorError refuses an identity file whose passphrase would cost more to
// try than is reasonable: whoever writes such a file decides how long, and with
// how much memory, those who read it are busy.
type WorkFactorError struct {
	LogN int // base 2 logarithm of the scrypt parameter N
}

func (e *WorkFactorError) Error() string {
	return fmt.Sprintf("its passphrase costs 2^%d, and more than 2^%d is refused", e.LogN, maxWorkFactor)
}

// Is tells that the error is a [core.ErrRefused].
func (e *WorkFactorError) Is(target error) bool { return target == core.ErrRefused }

// isContext tells whether err is that of a context that has ended.
func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
