package gonb

import (
	"context"
	"errors"
	"os"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/profile"
)

// Options change which session is used. The zero value is the profile that the
// command line uses.
type Options struct {
	// Profile says which profile, and which stores there are beside a file.
	Profile profile.Options
}

// SignIn returns a client for the services at origins, and those that the profile's
// targets name, as the person who is signed in. Where nobody is, it shows the widget
// and waits for them. An interrupt of the cell ends it, as ctx does.
//
// Its errors are [ErrNoPerson], those of [core.App.SignIn] and those of
// [profile.Open]. With [core.ErrNotSaved] there is a client too, which works until the
// cell ends.
func SignIn(ctx context.Context, origins ...string) (*Client, error) {
	return Options{}.SignIn(ctx, origins...)
}

// Configure asks for the OAuth client and saves it. The present one, if any, stays
// until then.
func Configure(ctx context.Context) error { return Options{}.Configure(ctx) }

// SignIn is [SignIn] with options.
func (o Options) SignIn(ctx context.Context, origins ...string) (*Client, error) {
	p, err := profile.Open(o.Profile)
	if err != nil {
		return nil, err
	}
	client, err := newClient(p, origins)
	if err == nil {
		err = newCell(os.Getenv).signIn(ctx, p)
	}
	if err != nil && !errors.Is(err, core.ErrNotSaved) {
		_ = p.Close()
		return nil, err
	}
	return client, err
}

// Configure is [Configure] with options.
func (o Options) Configure(ctx context.Context) error {
	o.Profile.IgnoreClient = true // it may be what is wrong
	p, err := profile.Open(o.Profile)
	if err != nil {
		return err
	}
	defer p.Close()
	return newCell(os.Getenv).configure(ctx, p)
}
