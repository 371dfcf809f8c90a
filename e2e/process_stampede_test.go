//go:build unix

package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// crowds are the numbers of processes that want a token at the same moment.
func crowds() []int {
	if os.Getenv(systemEnv) != "" {
		return []int{16} // each is an emulator's besides
	}
	if testing.Short() {
		return []int{64}
	}
	return []int{64, 256}
}

// However many processes meet an expired token, there is one request, all
// succeed, and all have the same token.
func TestProcessesAtExpiryMakeOneRefresh(t *testing.T) {
	for _, n := range crowds() {
		for name, fault := range map[string]*emulator.Fault{"at once": nil, "300 ms": {Delay: 300 * time.Millisecond}} {
			t.Run(fmt.Sprintf("%d, provider answers %s", n, name), func(t *testing.T) {
				m := newSession(t, emulator.Options{})
				age(t, m.tokens(), -time.Minute)
				before := m.session(t)
				m.provider.SetFault(emulator.Token, fault)
				out := wantAll(t, m.together(t, n, "token"), 0)
				m.wantRefreshes(t, 1)
				after := m.session(t)
				if want := after["id_token"].(string) + "\n"; out != want {
					t.Error("the processes did not print the token that is stored")
				}
				if after["refresh_token"] != before["refresh_token"] {
					t.Error("the refresh token changed, which the provider did not rotate")
				}
				m.run(t, "status").wantCode(t, 0)
			})
		}
	}
}

// Where the provider fails, there is one request too, all learn of its
// failure, and the session outlives it.
func TestProcessesAtExpiryShareOneFailure(t *testing.T) {
	for _, n := range crowds() {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			m := newSession(t, emulator.Options{})
			age(t, m.tokens(), -time.Minute)
			before := m.session(t)
			fault := &emulator.Fault{Status: http.StatusInternalServerError, Body: []byte("no")}
			if n > 64 {
				// A slow machine may need more than the five seconds for which a
				// failure counts otherwise.
				fault.Header = http.Header{"Retry-After": {"45"}}
			}
			m.provider.SetFault(emulator.Token, fault)
			if out := wantAll(t, m.together(t, n, "token"), 1); out != "" {
				t.Errorf("standard output is %q, expected nothing", out)
			}
			m.wantRefreshes(t, 1)
			after := m.session(t)
			for _, name := range []string{"id_token", "refresh_token", "access_token", "created_at", "generation"} {
				if after[name] != before[name] {
					t.Errorf("a failed refresh changed %s", name)
				}
			}
			if n > 64 {
				return
			}
			m.provider.SetFault(emulator.Token, nil)
			poll(t, "the failure is over", func() bool { return m.run(t, "token").code == 0 })
			m.wantRefreshes(t, 2)
		})
	}
}

// A provider that takes the request and never answers costs one request,
// and all return within its deadline.
func TestProcessesAtExpiryAndAProviderThatHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the ten seconds that a request may take")
	}
	t.Parallel()
	m := newSession(t, emulator.Options{})
	age(t, m.tokens(), -time.Minute)
	m.provider.SetFault(emulator.Token, &emulator.Fault{Hang: true})
	wantAll(t, m.together(t, 64, "token"), 1)
	m.wantRefreshes(t, 1)
	m.provider.SetFault(emulator.Token, nil)
	poll(t, "the failure is over", func() bool { return m.run(t, "token").code == 0 })
	m.wantRefreshes(t, 2)
}
