package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"

	system "github.com/99designs/keyring"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// serviceName is what macOS and Windows file the items under.
const serviceName = "tokentoss"

// A ring is the system's keyring.
//
// A call of the keyring may wait for a person, for any time, and cannot be
// interrupted. So it is made by a goroutine, and the caller goes on when its ctx
// ends. The ring owns the goroutine: there is one at most, the next call waits
// for it, and it ends when the keyring answers, or with the process.
type ring struct {
	collection string
	turn       chan struct{} // holds one while a goroutine calls the keyring
}

func newRing(collection string) *ring {
	return &ring{collection: collection, turn: make(chan struct{}, 1)}
}

// String names the keyring for people.
func (r *ring) String() string {
	if backend == system.SecretServiceBackend {
		return fmt.Sprintf("keyring (%s, collection %q)", backendName, r.collection)
	}
	return "keyring (" + backendName + ")"
}

// get returns the item of that name. If there is none, it returns errNoKey.
func (r *ring) get(ctx context.Context, name string) (core.Secret, error) {
	var item system.Item
	err := r.call(ctx, func(k system.Keyring) (err error) {
		item, err = k.Get(name)
		return err
	})
	if err != nil {
		return "", err
	}
	return core.Secret(item.Data), nil
}

// set makes an item, or replaces it.
func (r *ring) set(ctx context.Context, name string, data core.Secret) error {
	return r.call(ctx, func(k system.Keyring) error {
		return k.Set(system.Item{
			Key: name, Data: []byte(data.Reveal()), Label: name, Description: "opens the sessions of tokentoss",
			KeychainNotSynchronizable: true,
		})
	})
}

// call has f called with the keyring, and returns when f does or ctx ends.
func (r *ring) call(ctx context.Context, f func(system.Keyring) error) error {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return r.silent(ctx)
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-r.turn }()
		done <- r.guard(func() error { return r.use(f) })
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return r.silent(ctx)
	}
}

// guard calls f. The library takes any answer to a prompt for that of a person who
// agreed, and panics if it is another.
func (r *ring) guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = r.error(core.ErrRefused, errors.New("the question was not answered"), "try again, and unlock the keyring when it asks")
		}
	}()
	return f()
}

// use opens the keyring and calls f.
func (r *ring) use(f func(system.Keyring) error) error {
	if !slices.Contains(system.AvailableBackends(), backend) {
		problem, fix := whyAbsent()
		return r.error(core.ErrUnavailable, errors.New(problem), fix)
	}
	k, err := system.Open(system.Config{
		AllowedBackends:                []system.BackendType{backend},
		ServiceName:                    serviceName,
		LibSecretCollectionName:        r.collection,
		KeychainTrustApplication:       true,
		KeychainAccessibleWhenUnlocked: true,
		WinCredPrefix:                  serviceName,
	})
	if err != nil { // the library does not tell why
		return r.error(core.ErrUnavailable, errors.New("nothing answers"), whereElse)
	}
	return r.explain(f(k))
}

// whereElse is what to do where there is no keyring.
const whereElse = `start the keyring of the desktop, or set store = "encrypted" for a key in a file`

// explain gives an error of the library its kind.
func (r *ring) explain(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, system.ErrKeyNotFound) {
		return errNoKey
	}
	fix, kind := kindOf(err)
	switch {
	case fix != "":
	case kind == core.ErrSealed:
		fix = "unlock the keyring and try again"
	case kind == core.ErrRefused:
		fix = "allow tokentoss to use the keyring, and try again"
	default:
		kind, fix = core.ErrUnavailable, whereElse
	}
	return r.error(kind, err, fix)
}

func (r *ring) error(kind core.Kind, cause error, fix string) error {
	return &core.Error{Subject: r.String(), Kind: kind, Err: cause, Remedy: fault.Say("%s", fix)}
}

// silent tells that ctx has ended and the keyring has not answered.
func (r *ring) silent(ctx context.Context) error {
	return &core.Error{
		Subject: r.String(), Kind: core.ErrSealed, Problem: "it has not answered, and may be waiting for a person", Err: ctx.Err(),
		Remedy: fault.Say("look for a window that asks to unlock the keyring, and try again"),
	}
}
