package etcd

import (
	"context"
	"errors"
	"os"

	"filippo.io/age"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// copied are the keys of a person with several machines: what is missing on one
// of them is on another.
type copied struct{ encrypted.Keys }

// Recipient implements [encrypted.Keys].
func (k copied) Recipient(ctx context.Context) (age.Recipient, error) {
	to, err := k.Keys.Recipient(ctx)
	return to, missing(err)
}

// Identity implements [encrypted.Keys].
func (k copied) Identity(ctx context.Context) (age.Identity, error) {
	id, err := k.Keys.Identity(ctx)
	return id, missing(err)
}

// missing says of a key that is not there where it is.
func missing(err error) error {
	var sealed *core.Error
	if !errors.Is(err, core.ErrSealed) || !errors.As(err, &sealed) {
		return err
	}
	if _, statErr := os.Lstat(sealed.Subject); !errors.Is(statErr, os.ErrNotExist) {
		return err
	}
	return &fault.Error{
		Subject: sealed.Subject, Kind: core.ErrSealed, Problem: "the sessions in etcd are encrypted for a key that this machine does not have",
		Remedy: fault.Say("copy the file from a machine that has it, readable by you alone"),
	}
}
