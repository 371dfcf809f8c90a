package e2e_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// A command that refreshes by the agent, the agent, or its plugin, killed at any moment: the
// session is the one that was there, or the next, and the next command has a token, by an
// agent of its own if need be. make soak kills more.
func TestKilledRefreshByTheAgent(t *testing.T) {
	t.Parallel()
	rounds := 6
	if n, err := strconv.Atoi(os.Getenv("TOKENTOSS_SOAK")); err == nil {
		rounds = n / 10 // each waits for a token to expire
	}
	const life = time.Second
	m := withStore(t, emulator.Options{TokenLifetime: life}, encryptedStore)
	m.signIn(t, ada)
	store, err := encrypted.Open(encrypted.Config{}, filepath.Join(m.dir, "stores", "encrypted"), nil)
	if err != nil {
		t.Fatal(err)
	}
	session := func() (s struct {
		Token      string `json:"refresh_token"`
		Email      string `json:"user_email"`
		Generation int    `json:"generation"`
	}) {
		t.Helper()
		r, err := store.Load(t.Context(), core.DefaultKey)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(r.Data, &s); err != nil || s.Token == "" || s.Email != ada {
			t.Fatalf("the session is not whole: %v", err)
		}
		return s
	}
	first, saved := session(), 0
	for round := range rounds {
		before := session()
		time.Sleep(life) // its token expires
		p := start(t, m.command("token"))
		pause(rand.N(60 * time.Millisecond))
		if family := m.family(t); round%2 == 1 && len(family) > 0 {
			_ = syscall.Kill(family[rand.N(len(family))], syscall.SIGKILL)
		} else {
			p.signal(t, syscall.SIGKILL)
		}
		p.wait(t)
		after := session()
		if after.Token != first.Token || after.Generation < before.Generation {
			t.Fatalf("generation %d after %d, or another session", after.Generation, before.Generation)
		}
		if after.Generation > before.Generation {
			saved++
		}
		m.run(t, "token").wantCode(t, 0)
	}
	t.Logf("of %d rounds, %d had saved", rounds, saved)
}
