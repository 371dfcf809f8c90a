package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/profile"
)

// A loginLock makes a login the only one of its profile that waits for a person. The
// lock ends with the process, however that ends; its file has the number of the
// process. Beside it is the address that is waiting, for other logins to show; it
// is as private as a session.
type loginLock struct {
	lock    *flock.Flock // nil where the directory cannot be written
	address string       // the file that holds the address
}

// takeLoginLock takes the lock. While another login has it, it shows that one's
// address and waits, until ctx ends: that one may be suspended. When it succeeded,
// there is nothing left to do, and the result is nil.
func takeLoginLock(ctx context.Context, in *Invocation, p *profile.Profile) (*loginLock, error) {
	t, err := tryLoginLock(p)
	if !errors.Is(err, core.ErrLocked) {
		return t, err
	}
	before, err := p.Status(ctx)
	if err != nil {
		return nil, err
	}
	in.say.say("another tokentoss login is already waiting")
	switch waiting := waitingPrompt(ctx, p); {
	case waiting.Code != "":
		in.showCode(waiting)
	case waiting.URL != "":
		in.say.say("open this address in your browser:")
		in.show(waiting.URL)
	}
	for t == nil {
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, heldError(err, p)
		}
		if t, err = tryLoginLock(p); err != nil && !errors.Is(err, core.ErrLocked) {
			return nil, err
		}
	}
	after, err := p.Status(ctx)
	if err == nil && after.State == core.SignedIn && !after.SignedInAt.Equal(before.SignedInAt) {
		t.release()
		in.say.say("signed in as %s, by the other login", after.Account())
		return nil, nil
	}
	in.say.say("the other login did not finish; this one goes on")
	return t, nil
}

// tryLoginLock takes the loginLock, or returns [core.ErrLocked].
func tryLoginLock(p *profile.Profile) (*loginLock, error) {
	base := filepath.Join(p.Dir, ".login-"+p.Name)
	t := &loginLock{address: base + ".url"}
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("a session could not be saved: %w", err)
	}
	lock := flock.New(base+".lock", flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	switch {
	case err != nil:
		return t, nil //nolint:nilerr // signing in will say better that nothing can be written
	case !ok:
		return nil, core.ErrLocked
	}
	t.lock = lock
	// Who cannot read it does not learn who holds the lock, and waits all the same.
	_ = os.WriteFile(base+".lock", []byte(strconv.Itoa(os.Getpid())), 0o600)
	// A login that was killed left its address, at which nobody listens.
	_ = os.Remove(t.address)
	return t, nil
}

// heldError is that another login did not end in time.
func heldError(err error, p *profile.Profile) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	data, _ := os.ReadFile(filepath.Join(p.Dir, ".login-"+p.Name+".lock"))
	pid, nerr := strconv.Atoi(strings.TrimSpace(string(data)))
	if nerr != nil || pid <= 0 {
		return &hintedError{fmt.Errorf("%w: another tokentoss login is still waiting", core.ErrSignInTimeout), "finish that one, or end it"}
	}
	return &hintedError{fmt.Errorf("%w: another tokentoss login, process %d, is still waiting", core.ErrSignInTimeout, pid),
		fmt.Sprintf("finish that one, or end it: kill -9 %d", pid)}
}

// show tells other logins what address is waiting, and for which code.
func (t *loginLock) show(p core.Prompt) {
	if t.lock == nil {
		return // nobody would see that this login is the one, nor remove it
	}
	// That they are not told does not make this one fail.
	if f, err := os.OpenFile(t.address, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err == nil {
		_, _ = f.WriteString(strings.TrimSuffix(p.URL+"\n"+p.Code, "\n"))
		_ = f.Close()
	}
}

func (t *loginLock) release() {
	if t.lock != nil {
		_ = os.Remove(t.address)
		_ = t.lock.Unlock()
	}
}

// waitingPrompt returns what another login is waiting for, as far as can be told.
func waitingPrompt(ctx context.Context, p *profile.Profile) core.Prompt {
	for range 20 { // the other may be just starting
		data, err := os.ReadFile(filepath.Join(p.Dir, ".login-"+p.Name+".url"))
		if err == nil && len(data) > 0 {
			address, code, _ := strings.Cut(string(data), "\n")
			return core.Prompt{URL: address, Code: code}
		}
		if sleep(ctx, 50*time.Millisecond) != nil {
			break
		}
	}
	return core.Prompt{}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
