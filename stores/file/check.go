package file

import (
	"context"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

// sessionSize is what Check writes: more than a session has.
const sessionSize = 16 << 10

// Check finds out whether Save could store a document under key: it makes the
// directory, writes a private file of a session's size there, has it written to
// the disk, and removes it. The document is not touched. Its errors are those of
// [Store.Save].
//
// It is for asking before a person is sent to sign in.
func (s *Store) Check(ctx context.Context, key string) error {
	path, err := s.path(key)
	if err != nil {
		return err
	}
	return s.exclusively(ctx, path, func() error {
		if _, writable, err := current(path); err != nil {
			return err
		} else if !writable {
			return readOnly(path)
		}
		return privatefile.CanReplace(path, sessionSize)
	})
}
