package hub

import (
	"crypto/rand"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core/jupyterhub"
)

// How long things are kept, and how many.
const (
	signInLifetime = 10 * time.Minute // until the browser comes back; kernels wait for less
	codeLifetime   = time.Minute      // from then on
	visitLifetime  = 5 * time.Minute  // of a browser at the hub's own sign-in
	maxSignIns     = 32               // of a user; then the oldest is forgotten
	maxVisits      = 8                // of a sign-in
	purgeEvery     = time.Minute
)

// A signIn is one that a kernel announced.
type signIn struct {
	user    string
	expires time.Time
	visits  int
	arrived chan struct{} // closed when query is set
	query   url.Values    // of the redirect
}

// A visit is a browser that came back from the provider, and of which the hub is asked
// whose it is.
type visit struct {
	signIn   *signIn
	query    url.Values
	verifier string // PKCE, at the hub
	expires  time.Time
}

// A table has what is under way. All of it is in memory alone.
type table struct {
	now func() time.Time

	mu      sync.Mutex
	signIns map[string]*signIn // by the hash of the state
	ofUser  map[string][]string
	visits  map[string]*visit // by a secret that the browser has
	purged  time.Time
}

func newTable(now func() time.Time) *table {
	return &table{now: now, signIns: make(map[string]*signIn), ofUser: make(map[string][]string), visits: make(map[string]*visit)}
}

// announce takes a sign-in of a user. Nobody can announce one that is there.
func (t *table) announce(user, hash string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.purge()
	if t.signIns[hash] != nil {
		return false
	}
	if list := t.ofUser[user]; len(list) >= maxSignIns {
		delete(t.signIns, list[0])
		t.ofUser[user] = list[1:]
	}
	t.signIns[hash] = &signIn{user: user, expires: t.now().Add(signInLifetime), arrived: make(chan struct{})}
	t.ofUser[user] = append(t.ofUser[user], hash)
	return true
}

// visit keeps a redirect while the hub is asked whose browser brought it, and returns by
// what that is found again; "" where no sign-in waits for it.
func (t *table) visit(query url.Values) (id string, v *visit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.purge()
	s := t.signIns[jupyterhub.Hash(query.Get("state"))]
	if s == nil || s.query != nil || s.visits >= maxVisits {
		return "", nil
	}
	s.visits++
	id, v = rand.Text(), &visit{signIn: s, query: query, verifier: oauth2.GenerateVerifier(), expires: t.now().Add(visitLifetime)}
	t.visits[id] = v
	return id, v
}

// leave returns a visit, once.
func (t *table) leave(id string) *visit {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.visits[id]
	delete(t.visits, id)
	if v == nil || t.now().After(v.expires) {
		return nil
	}
	return v
}

// arrive gives a redirect to its sign-in, if user is the one who announced that, and
// nobody brought it before. It returns who announced it.
func (t *table) arrive(v *visit, user string) (owner string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := v.signIn
	if user != s.user || s.query != nil || t.now().After(s.expires) {
		return s.user, false
	}
	s.query, s.expires = v.query, t.now().Add(codeLifetime)
	close(s.arrived)
	return s.user, true
}

// find returns a user's sign-in by its state.
func (t *table) find(user, state string) *signIn {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.signIns[jupyterhub.Hash(state)]
	if s == nil || s.user != user || t.now().After(s.expires) {
		return nil
	}
	return s
}

// redeem takes the code of a redirect that came for user, once.
func (t *table) redeem(user, code string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, hash := range t.ofUser[user] {
		s := t.signIns[hash]
		if s == nil || s.query == nil || code == "" || s.query.Get("code") != code || t.now().After(s.expires) {
			continue
		}
		delete(t.signIns, hash)
		return true
	}
	return false
}

// purge forgets what has expired, now and then. The caller has t.mu.
func (t *table) purge() {
	now := t.now()
	if now.Sub(t.purged) < purgeEvery {
		return
	}
	t.purged = now
	for id, v := range t.visits {
		if now.After(v.expires) {
			delete(t.visits, id)
		}
	}
	for user, list := range t.ofUser {
		var kept []string
		for _, hash := range list {
			if s := t.signIns[hash]; s != nil && !now.After(s.expires) {
				kept = append(kept, hash)
			} else {
				delete(t.signIns, hash)
			}
		}
		if t.ofUser[user] = kept; len(kept) == 0 {
			delete(t.ofUser, user)
		}
	}
}
