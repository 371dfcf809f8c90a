package etcd

import (
	"context"
	"errors"
	"os"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// copied are the keys of a person with several machines: what is missing on one
// of them is on another.
type copied struct{ encrypted.Keys }

// Key implements [encrypted.Keys].
func (k copied) Key(ctx context.Context, create bool) (*encrypted.Key, error) {
	key, err := k.Keys.Key(ctx, create)
	return key, missing(err)
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
