//go:build unix

package e2e_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// holder starts a process that holds the session's lock: it is in the middle of
// a refresh, which the provider answers after a minute. Others are answered at
// once.
func (m *machine) holder(t *testing.T) *process {
	t.Helper()
	before := m.refreshes()
	m.provider.SetFault(emulator.Token, &emulator.Fault{Delay: time.Minute, Times: 1})
	p := start(t, m.command("token"))
	poll(t, "the holder asks the provider", func() bool { return m.refreshes() > before })
	return p
}

// waiters starts processes that wait for the lock.
func (m *machine) waiters(t *testing.T, n int) []*process {
	t.Helper()
	ps := make([]*process, n)
	for i := range ps {
		ps[i] = start(t, m.command("token"))
	}
	// That they wait cannot be seen from outside. One that comes later makes
	// a test weaker, and does not make it fail.
	time.Sleep(500 * time.Millisecond)
	return ps
}

// When the lock's holder is killed in its refresh, the others go on at once,
// with one refresh: had they waited for the end of its time, each would have asked.
func TestKilledLockHolder(t *testing.T) {
	t.Parallel()
	m := newSession(t, emulator.Options{})
	age(t, m.tokens(), -time.Minute)
	holder := m.holder(t)
	others := m.waiters(t, 8)
	holder.signal(t, syscall.SIGKILL)
	for _, p := range others {
		p.wait(t).wantCode(t, 0)
	}
	m.wantRefreshes(t, 2)
	m.session(t)
	m.run(t, "token").wantCode(t, 0)
	m.wantRefreshes(t, 2)
}

// When the lock's holder is stopped, the others go on after the lock's
// fifteen seconds; and the holder does no harm when it wakes up.
func TestStoppedLockHolder(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the fifteen seconds that the lock is waited for")
	}
	t.Parallel()
	m := newSession(t, emulator.Options{})
	age(t, m.tokens(), -time.Minute)
	holder := m.holder(t)
	holder.signal(t, syscall.SIGSTOP)
	others := m.waiters(t, 3)
	for _, p := range others {
		p.wait(t).wantCode(t, 0)
	}
	requests, valid := m.refreshes(), m.session(t)["id_token"].(string)
	if requests > 1+len(others) {
		t.Errorf("%d refreshes were asked for by %d processes", requests, 1+len(others))
	}
	holder.signal(t, syscall.SIGCONT)
	holder.wait(t)
	if out := m.run(t, "token").wantCode(t, 0).stdout; out != valid+"\n" {
		t.Error("the holder that woke up replaced the others' token")
	}
	m.wantRefreshes(t, requests)
}

// Who has a valid token does not wait for the lock, whoever holds it: who waited in vain
// would refresh in the end.
func TestReadersDoNotWaitForTheLock(t *testing.T) {
	t.Parallel()
	m := newSession(t, emulator.Options{})
	age(t, m.tokens(), -time.Minute)
	m.holder(t).signal(t, syscall.SIGSTOP)
	for name, left := range map[string]time.Duration{
		"a fresh token": 30 * time.Minute,
		// Then it would be refreshed in the background.
		"a token near its end": 2 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			age(t, m.tokens(), left)
			want := m.session(t)["id_token"].(string) + "\n"
			for range 5 {
				if r := m.run(t, "token").wantCode(t, 0); r.stdout != want || r.stderr != "" {
					t.Errorf("it did not print the stored token, or said %q", r.stderr)
				}
			}
			m.wantRefreshes(t, 1)
		})
	}
}
