package frontendtest

import (
	"context"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// What the App holds and no person may see.
const (
	plantedIDToken      = "planted.id-token.zH5sYw"
	plantedRefreshToken = "planted-refresh-token-8Qe1Xa"
	plantedSecret       = "planted-client-secret-fT3kPd"
)

// The people who sign in.
const (
	ada   = "ada@example.com"
	grace = "grace@example.com"
	alan  = "alan@example.com"
)

// clientID is the OAuth client of the App.
const clientID = "frontendtest.apps.example.com"

// An app is the core.App behind a frontend. It does what its check says, as
// [core.Session] would, and counts what it is asked.
type app struct {
	guard guard

	status  core.Status
	version int      // of status
	scenes  []*scene // the sign-ins to come
	blocked string   // the method that returns only when its ctx ends

	calls map[string]int // of each method, so far
	open  map[string]int // of each method, under way; for Watch, not closed

	clients      chan core.ClientSecrets // what Configure is given
	configureErr error                   // for the next Configure
	signOutErr   error

	// What a frontend in this process could reach, if it went behind the
	// interface.
	refreshToken string
}

func newApp() *app {
	return &app{
		status: core.Status{State: core.SignedOut, ClientID: clientID}, version: 1,
		calls: map[string]int{}, open: map[string]int{}, clients: make(chan core.ClientSecrets, 10), refreshToken: plantedRefreshToken,
	}
}

// signedIn is the status of somebody who is signed in.
func signedIn(email string) core.Status {
	now := time.Now()
	return core.Status{
		State: core.SignedIn, Email: email, Subject: "subject-of-" + email, Issuer: "https://provider.invalid", ClientID: clientID,
		Scopes: []string{"openid", "email"}, SignedInAt: now, TokenExpiry: now.Add(time.Hour), Refreshable: true,
	}
}

// set changes the status, as another process would.
func (a *app) set(st core.Status) {
	a.guard.change(func() { a.put(st) })
}

// put changes the status; the caller has the guard.
func (a *app) put(st core.Status) { a.status, a.version = st, a.version+1 }

// now returns the status.
func (a *app) now() core.Status {
	var st core.Status
	a.guard.change(func() { st = a.status })
	return st
}

// begin counts a call, and holds it up if its method is blocked. The caller
// calls end in any case.
func (a *app) begin(ctx context.Context, method string) (end func(), err error) {
	blocked := false
	a.guard.change(func() {
		a.calls[method]++
		a.open[method]++
		blocked = a.blocked == method
	})
	end = func() { a.guard.change(func() { a.open[method]-- }) }
	if blocked {
		<-ctx.Done()
	}
	return end, ctx.Err()
}

// called tells whether method was called; the caller has the guard.
func (a *app) called(method string) func() bool {
	return func() bool { return a.calls[method] > 0 }
}

// Status implements [core.App].
func (a *app) Status(ctx context.Context) (core.Status, error) {
	end, err := a.begin(ctx, "Status")
	defer end()
	if err != nil {
		return core.Status{}, err
	}
	return a.now(), nil
}

// Watch implements [core.App].
func (a *app) Watch(ctx context.Context) (<-chan core.Status, error) {
	end, err := a.begin(ctx, "Watch")
	if err != nil {
		end()
		return nil, err
	}
	out := make(chan core.Status, 1)
	go func() {
		defer end()
		defer close(out)
		sent := 0
		for a.guard.wait(ctx, func() bool { return a.version != sent }) == nil {
			var st core.Status
			a.guard.change(func() { st, sent = a.status, a.version })
			select {
			case <-out: // a state that nobody received yet
			default:
			}
			out <- st
		}
	}()
	return out, nil
}

// Configure implements [core.App].
func (a *app) Configure(ctx context.Context, c core.ClientSecrets) error {
	end, err := a.begin(ctx, "Configure")
	defer end()
	if err != nil {
		return err
	}
	select {
	case a.clients <- c:
	default: // nobody looks
	}
	a.guard.change(func() {
		if err, a.configureErr = a.configureErr, nil; err == nil {
			a.put(core.Status{State: core.SignedOut, ClientID: c.ClientID})
		}
	})
	return err
}

// SignIn implements [core.App]. It plays the next scene; when there is none,
// nobody ever answers.
func (a *app) SignIn(ctx context.Context, p core.Prompter) (core.Status, error) {
	end, err := a.begin(ctx, "SignIn")
	defer end()
	if err != nil {
		return core.Status{}, err
	}
	if st := a.now(); st.State == core.NotConfigured {
		return st, core.ErrNotConfigured
	}
	var next *scene
	a.guard.change(func() {
		if len(a.scenes) > 0 {
			next, a.scenes = a.scenes[0], a.scenes[1:]
		}
	})
	if next == nil {
		<-ctx.Done()
		return core.Status{}, ctx.Err()
	}
	st, err := next.play(ctx, p)
	if st.State != "" {
		a.set(st)
	}
	return st, err
}

// SignOut implements [core.App].
func (a *app) SignOut(ctx context.Context) error {
	end, err := a.begin(ctx, "SignOut")
	defer end()
	if err != nil {
		return err
	}
	a.guard.change(func() {
		a.put(core.Status{State: core.SignedOut, ClientID: clientID})
		err = a.signOutErr
	})
	return err
}

// IDToken implements [core.App].
func (a *app) IDToken(ctx context.Context) (core.IDToken, error) {
	end, err := a.begin(ctx, "IDToken")
	defer end()
	if err != nil {
		return core.IDToken{}, err
	}
	st := a.now()
	if st.State != core.SignedIn {
		return core.IDToken{}, &core.SignInNeededError{Cause: core.CauseSignedOut}
	}
	return core.IDToken{
		Value: plantedIDToken, Issuer: st.Issuer, Subject: st.Subject, Email: st.Email, Audience: clientID,
		IssuedAt: st.SignedInAt, Expiry: st.TokenExpiry, Generation: 1,
	}, nil
}

// Renew implements [core.App].
func (a *app) Renew(context.Context, core.IDToken) (core.IDToken, error) {
	return core.IDToken{}, core.ErrRenewedRecently
}
