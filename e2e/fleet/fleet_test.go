package fleet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/stores/memory"
)

const (
	mostPrograms = 8

	// latest is how late a program that could not have a token asks again.
	latest = 5 * time.Second

	// plain is when a token is renewed where nothing is spread: six minutes before its end.
	plain = tokenFor - 6*time.Minute
)

// A plan is what a simulation is of.
type plan struct {
	people int
	length time.Duration
	arrive func(*rand.Rand) time.Duration // when a person signs in
	answer func(at time.Duration, lately int) reply

	// back is when a provider that was down is up again.
	back time.Duration
}

// normally is around the thirtieth minute, with a standard deviation of five.
func normally(r *rand.Rand) time.Duration {
	return max(0, 30*time.Minute+time.Duration(r.NormFloat64()*float64(5*time.Minute)))
}

// evenly is within the first hour.
func evenly(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(time.Hour))) }

// A fleet is people at one provider.
type fleet struct {
	plan
	*provider
	began  time.Time
	client *oidc.Client

	mu     sync.Mutex
	agenda [][]*program // what calls in each second

	signedIn  []int // people who signed in, by the minute
	unspread  []int // requests, were every token renewed when it is plain old, by the minute
	calls     int
	backlog   int // people who had no token when the provider was back
	waited    int // calls whose token had to be fetched
	failed    int
	waiting   int   // people who have no token
	violation error // the first
}

// A person has a store, which all of their programs share.
type person struct {
	id    string
	store *memory.Store
	waits bool      // the last answer was that there is no token
	plain time.Time // when the token is due in a world without spreading
}

// A program asks for a token again and again.
type program struct {
	*person
	session *core.Session
	pace    time.Duration
	rand    *rand.Rand
	expiry  time.Time // of the last token
	signsIn bool
}

// simulate runs a plan to its end.
func simulate(t *testing.T, p plan) (f *fleet) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f = &fleet{plan: p, began: time.Now(), agenda: make([][]*program, int(p.length/time.Second))}
		f.provider = &provider{began: f.began, answer: p.answer}
		client, err := oidc.NewClient(core.ClientSecrets{ClientID: clientID, ClientSecret: "GOCSPX-fleet"}, oidc.ProviderOptions{Transport: f.provider})
		if err != nil {
			t.Fatal(err)
		}
		f.client = client
		var sessions []*core.Session
		for i := range p.people {
			sessions = append(sessions, f.populate(t, i)...)
		}
		f.run()
		for _, s := range sessions {
			_ = s.Close()
		}
	})
	if f.violation != nil {
		t.Error(f.violation)
	}
	return f
}

// populate adds a person and their programs.
func (f *fleet) populate(t *testing.T, i int) (sessions []*core.Session) {
	r := rand.New(rand.NewPCG(uint64(i), 15))
	who := &person{id: fmt.Sprint(i), store: memory.New()}
	arrival := f.arrive(r)
	for n := range 1 + r.IntN(mostPrograms) {
		s, err := core.NewSession(core.SessionOptions{Store: who.store, Client: f.client, Flow: func(*oidc.Client) core.Flow { return signIn{f.provider, who.id} }})
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
		// From every minute to every ten, as many at one pace as at half of it.
		pace := time.Duration(float64(time.Minute) * math.Pow(10, r.Float64()))
		prog := &program{person: who, session: s, pace: pace, rand: rand.New(rand.NewPCG(uint64(i), uint64(n))), signsIn: n == 0}
		at := arrival
		if n > 0 {
			at += time.Minute + time.Duration(r.Int64N(int64(pace)))
		}
		f.schedule(prog, at)
	}
	return sessions
}

// schedule has a program call at a time, unless the simulation is over by then.
func (f *fleet) schedule(p *program, at time.Duration) {
	if second := int(at / time.Second); second < len(f.agenda) {
		f.agenda[second] = append(f.agenda[second], p)
	}
}

// run goes through the seconds.
func (f *fleet) run() {
	var waiting sync.WaitGroup
	for second := range f.agenda {
		f.mu.Lock()
		due := f.agenda[second]
		f.agenda[second] = nil
		if time.Duration(second)*time.Second == f.back {
			f.backlog = f.waiting
		}
		f.mu.Unlock()
		for _, p := range due {
			if time.Until(p.expiry) > 2*time.Minute {
				began := time.Now()
				f.call(p)
				if took := time.Since(began); took > 0 {
					f.violate("who had a valid token waited %s", took)
				}
				continue
			}
			waiting.Go(func() { f.call(p) })
		}
		time.Sleep(time.Until(f.began.Add(time.Duration(second+1) * time.Second)))
	}
	waiting.Wait()
}

// call is one call of a program, and plans its next.
func (f *fleet) call(p *program) {
	began := time.Now()
	if p.signsIn {
		if _, err := p.session.SignIn(context.Background(), nil); err != nil {
			f.violate("person %s could not sign in: %w", p.id, err)
		}
	}
	token, err := p.session.IDToken(context.Background())
	now := time.Now()
	at := now.Sub(f.began)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if p.signsIn {
		f.signedIn = tick(f.signedIn, at)
		f.unspread = tick(f.unspread, at)
		p.signsIn, p.plain = false, now.Add(plain)
	} else if !now.Before(p.plain) {
		f.unspread = tick(f.unspread, at)
		p.plain = now.Add(plain)
	}
	if now.After(began) {
		f.waited++
	}
	if waits := err != nil; waits != p.waits {
		if p.waits = waits; waits {
			f.waiting++
		} else {
			f.waiting--
		}
	}
	if err != nil {
		f.fail(p, at, err)
		f.schedule(p, at+latest)
		return
	}
	if !token.Expiry.After(now) {
		f.violateLocked("person %s was given a token that had expired %s ago", p.id, now.Sub(token.Expiry))
	}
	p.expiry = token.Expiry
	f.schedule(p, at+time.Duration((0.5+p.rand.Float64())*float64(p.pace)))
}

// fail notes that a program was given no token.
func (f *fleet) fail(p *program, at time.Duration, err error) {
	f.failed++
	switch {
	case errors.Is(err, core.ErrSignInNeeded):
		f.violateLocked("person %s was signed out: %w", p.id, err)
	case f.back == 0:
		f.violateLocked("person %s had no token at %s: %w", p.id, at, err)
	case at > f.back+time.Minute:
		f.violateLocked("person %s had no token %s after the provider was back: %w", p.id, at-f.back, err)
	}
}

func (f *fleet) violate(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.violateLocked(format, args...)
}

func (f *fleet) violateLocked(format string, args ...any) {
	if f.violation == nil {
		f.violation = fmt.Errorf(format, args...)
	}
}

// tick adds one to the minute of at.
func tick(minutes []int, at time.Duration) []int {
	minute := int(at / time.Minute)
	for len(minutes) <= minute {
		minutes = append(minutes, 0)
	}
	minutes[minute]++
	return minutes
}

// peak returns the most of the minutes from one to another.
func peak(minutes []int, from, to int) (most int) {
	for m := from; m < min(to, len(minutes)); m++ {
		most = max(most, minutes[m])
	}
	return most
}

func sum(minutes []int) (n int) {
	for _, c := range minutes {
		n += c
	}
	return n
}
