package file

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// Load reads the document of key. It takes no lock: documents are replaced in
// one step, so that a reader has all of the old or all of the new.
//
// Besides the errors of [core.TokenStore] it returns [core.ErrTooLarge] for a
// file of more than 1 MiB. A file of 0 bytes is [core.ErrCorrupt]: nothing here
// writes one, but a full disk or a program that truncates before it writes does.
func (s *Store) Load(ctx context.Context, key string) (core.Record, error) {
	if err := ctx.Err(); err != nil {
		return core.Record{}, fmt.Errorf("file store: load: %w", err)
	}
	path, err := s.path(key)
	if err != nil {
		return core.Record{}, err
	}
	data, _, err := read(path)
	if err == nil && s.file != "" && !core.IsDocument(data) || err != nil && !errors.Is(err, core.ErrNotFound) {
		err = cmp.Or(s.checkOwn(path), err)
	}
	if err != nil {
		return core.Record{}, err
	}
	return core.Record{Data: data, Revision: revision(data)}, nil
}

// read reads a document, and tells whether it may be replaced.
func read(path string) (data []byte, writable bool, err error) {
	if data, writable, err = privatefile.Read(path); err != nil {
		return nil, false, err
	}
	return data, writable, checkSize(path, len(data))
}

// checkSize tells whether a file of size bytes can be a document.
func checkSize(path string, size int) error {
	switch {
	case size == 0:
		return &core.Error{Subject: path, Kind: core.ErrCorrupt, Problem: "0 bytes"}
	case size > privatefile.MaxSize:
		return &core.Error{Subject: path, Kind: core.ErrTooLarge, Problem: fmt.Sprintf("%d bytes; a session has at most %d", size, privatefile.MaxSize)}
	}
	return nil
}

// revision names a document by what it contains. So two processes agree on it,
// it survives a copy or a restored backup, and also a program that knows nothing
// of revisions changes it by writing. It is cut to 128 bits; nothing depends on
// it but the detection of changes, and the tokens cannot be computed from it.
func revision(data []byte) string {
	sum := sha256.Sum256(data)
	var text [32]byte
	hex.Encode(text[:], sum[:16])
	return string(text[:])
}

// current returns the revision of the stored document, empty when there is none,
// and whether its owner may write it.
func current(path string) (rev string, writable bool, err error) {
	data, writable, err := read(path)
	if errors.Is(err, core.ErrNotFound) {
		return "", true, nil
	}
	if err != nil {
		return "", false, err
	}
	return revision(data), writable, nil
}
