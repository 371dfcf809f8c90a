package core

import (
	"context"
	"fmt"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A TokenStore keeps small secret documents by key. The documents are opaque to
// it; the keys are the names of profiles.
//
// Save is a compare-and-swap: it succeeds only when the stored document is still
// the one that the caller loaded, so no writer can undo what it has not seen.
//
// A store may have more capabilities: [Locker], [Lister], [Checker], [Quarantiner],
// [Locator], [Describer] and [io.Closer]. Callers find them with [Full] and
// [CapabilitiesOf], which know of stores that stand for another one ([Wrapper]).
//
// Package storetest checks an implementation against this contract.
type TokenStore interface {
	// Load returns the document of key, or [ErrNotFound]. A document that is
	// there but cannot be had gives [ErrCorrupt] or [ErrInsecure].
	Load(ctx context.Context, key string) (Record, error)

	// Save stores r.Data durably under key and returns the record with its new
	// revision. r.Revision must be the revision of the document that is stored,
	// or empty when there is none; otherwise Save returns [ErrConflict] and
	// changes nothing.
	Save(ctx context.Context, key string, r Record) (Record, error)

	// Delete removes the document of key. It is no error when there is none.
	Delete(ctx context.Context, key string) error
}

// A Record is a stored document.
type Record struct {
	// Data is the document. It is secret.
	Data []byte

	// Revision names the stored state that Data was loaded from. It is opaque,
	// never secret, and changes whenever Data does.
	Revision string
}

// String shows the revision and the size, never the data.
func (r Record) String() string { return fmt.Sprintf("record %s, %d bytes", r.Revision, len(r.Data)) }

// GoString is String, so that %#v shows no data either.
func (r Record) GoString() string { return r.String() }

// Format implements [fmt.Formatter], so that no verb shows the data.
func (r Record) Format(f fmt.State, _ rune) { fmt.Fprint(f, r.String()) }

// MarshalText implements [encoding.TextMarshaler], so that neither encoding/json
// nor log/slog shows the data. It is not a way to keep a record.
func (r Record) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// A Locker is a store in which one holder at a time can have the lock of a key.
// A [Session] holds it while it refreshes, never during an interactive sign-in.
//
// A lease outlives the ctx of the Lock that gave it, which bounds the wait alone: it
// ends with Release, or when it is Lost. A lock that lives in something that ends with
// a context, such as a transaction, is taken with a context of its own.
//
// The lock is advisory: Load, Save and Delete work without it, and the revision
// check of Save is what keeps a holder that lost its lock from doing harm.
type Locker interface {
	// Lock waits until it has the lock of key or ctx ends. When ctx ends first
	// it returns an error that wraps [ErrLocked] and ctx's error.
	Lock(ctx context.Context, key string) (Lease, error)
}

// A Lease is a lock that is held.
type Lease interface {
	// Release gives the lock back. Calling it again is no error.
	Release() error

	// Lost is closed when the lock was lost before Release, as a lease over a
	// network can be. It is nil when that cannot happen.
	Lost() <-chan struct{}
}

// A Lister is a store that can name its keys.
type Lister interface {
	// List returns the keys that have a document, sorted, without reading the
	// documents.
	List(ctx context.Context) ([]string, error)
}

// A Checker is a store that can tell whether Save would work, without changing
// a document. A [Session] asks before it sends a person to sign in.
type Checker interface {
	// Check returns the error that Save of a document under key would return.
	Check(ctx context.Context, key string) error
}

// A Quarantiner is a store that can move a document that is damaged or not private
// out of the way, so that a sign-in overwrites nothing.
type Quarantiner interface {
	// Quarantine moves what is stored under key away, and returns where it is now.
	Quarantine(ctx context.Context, key string) (where string, err error)
}

// A Locator is a store whose documents have a place that means something to a
// person, such as a file's path. An empty text means that it cannot tell.
type Locator interface {
	Path(key string) string
}

// A Describer is a store that can say in one line what keeps others from reading
// the documents where they are kept, such as "encrypted with age, key in the
// keyring". An empty text means that it cannot tell.
type Describer interface {
	Describe() string
}

// Errors of a [TokenStore]. Implementations wrap them.
const (
	ErrNotFound = fault.NotFound // no document under that key
	ErrConflict = fault.Conflict // Save from an old revision
	ErrLocked   = fault.Locked   // the lock was not to be had in time
	ErrCorrupt  = fault.Corrupt  // there is something, but not a document
	ErrInsecure = fault.Insecure // others could read or write the document
	ErrReadOnly = fault.ReadOnly // no permission, no space, read-only
	ErrBadKey   = fault.BadKey   // empty, or not storable
	ErrTooLarge = fault.TooLarge // more than the store can keep

	ErrUnavailable = fault.Unavailable // no keyring, no server, a plugin that ended
	ErrSealed      = fault.Sealed      // a keyring or identity that a person must unlock
	ErrRefused     = fault.Refused     // a keyring, a server or a person said no
)
