//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// A process that is killed at any moment of a refresh and its save
// leaves a session that is whole, private, and works.
func TestKilledRefresh(t *testing.T) {
	t.Parallel()
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	m := newSession(t, emulator.Options{})
	age(t, m.tokens(), -time.Minute)
	began := time.Now()
	m.run(t, "token").wantCode(t, 0)
	life := time.Since(began)
	refreshToken := m.session(t)["refresh_token"]
	replaced := 0
	for i := range rounds {
		age(t, m.tokens(), -time.Minute)
		old := mustRead(t, m.tokens())
		p := start(t, m.command("token"))
		if i%2 == 0 {
			pause(rand.N(life + life/4))
		} else {
			// The moments around the save are what matters most.
			asked := m.refreshes()
			poll(t, "the provider is asked", func() bool { return m.refreshes() > asked || ended(p) })
			pause(rand.N(6 * time.Millisecond))
		}
		p.signal(t, syscall.SIGKILL)
		p.wait(t)
		fields := m.session(t)
		if fields["refresh_token"] != refreshToken || fields["user_email"] != ada {
			t.Fatal("the session is not the one that it was")
		}
		if !bytes.Equal(mustRead(t, m.tokens()), old) {
			replaced++
		}
		// The next save removes what this one left.
		if temps := m.temps(t); len(temps) > 1 {
			t.Fatalf("files of earlier processes were not removed: %q", temps)
		}
	}
	t.Logf("of %d processes that were killed, %d had saved", rounds, replaced)
	age(t, m.tokens(), -time.Minute)
	m.run(t, "token").wantCode(t, 0)
	if temps := m.temps(t); len(temps) > 0 {
		t.Errorf("files of killed processes are still there: %q", temps)
	}
}

// A login that is killed at any moment leaves the old session or the
// new one, and the next login is not in its way.
func TestKilledLogin(t *testing.T) {
	t.Parallel()
	rounds := 30
	if testing.Short() {
		rounds = 4
	}
	m := newMachine(t, emulator.Options{})
	saved := 0
	for range rounds {
		old, err := os.ReadFile(m.tokens())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		l := m.pendingLogin(t)
		redirect := l.agree(t, m.provider, ada)
		ctx, cancel := context.WithCancel(t.Context())
		visited := make(chan struct{})
		go func() { defer close(visited); visit(ctx, redirect) }()
		pause(rand.N(25 * time.Millisecond))
		l.signal(t, syscall.SIGKILL)
		l.wait(t)
		cancel()
		<-visited
		if now, err := os.ReadFile(m.tokens()); err == nil && !bytes.Equal(now, old) {
			m.session(t)
			saved++
		} else if !bytes.Equal(now, old) {
			t.Fatal("the old session is gone")
		}
		if temps := m.temps(t); len(temps) > 1 {
			t.Fatalf("files of earlier processes were not removed: %q", temps)
		}
	}
	t.Logf("of %d logins that were killed, %d had saved", rounds, saved)
	m.signIn(t, ada)
	m.session(t)
	m.run(t, "token").wantCode(t, 0)
	if names := m.left(t); len(names) > 0 {
		t.Errorf("files of killed logins are still there: %q", names)
	}
}

// The address of a login that was killed is not shown to others, for
// nobody listens there.
func TestAddressOfAKilledLogin(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	dead := m.pendingLogin(t)
	dead.signal(t, syscall.SIGKILL)
	dead.wait(t)
	// The second login has the turn, and no address yet.
	m.provider.SetFault(emulator.Discovery, &emulator.Fault{Delay: 400 * time.Millisecond, Times: 1})
	second := start(t, m.command("login", "--no-browser"))
	poll(t, "the second login asks the provider", func() bool { return m.provider.Calls(emulator.Discovery) >= 2 })
	third := m.pendingLogin(t)
	if third.url == dead.url {
		t.Error("the third login shows the address of the one that was killed")
	}
	alive := shown(t, second)
	if third.url != alive.url {
		t.Error("the third login does not show the address that is waiting")
	}
	visit(t.Context(), alive.agree(t, m.provider, ada))
	alive.wait(t).wantCode(t, 0)
	third.wait(t).wantCode(t, 0)
}

// left returns the files that are there only while something goes on.
func (m *machine) left(t *testing.T) []string {
	t.Helper()
	urls, err := filepath.Glob(filepath.Join(m.dir, "*.url"))
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := filepath.Glob(filepath.Join(m.dir, ".*.url"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(m.temps(t), urls, hidden)
}

func ended(p *process) bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// pause lets a process get somewhere. Where, is the point of these tests.
func pause(d time.Duration) { time.Sleep(d) }
