package fleet

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The flags are for "make fleet". With fewer people than a thousand, chance is too much of
// the peaks.
var (
	people = flag.Int("people", 1000, "how many people are simulated")
	days   = flag.Int("days", 100, "how many people are simulated for a whole day")
	out    = flag.String("out", "", "a directory for what was counted, as JSON")
)

const (
	// morning is long enough for the second hour, and the half that follows.
	morning = 150 * time.Minute

	// down and back bound ten minutes at the end of which nearly everybody's first token
	// is due: no time could be worse.
	down = 75 * time.Minute
	back = 85 * time.Minute
)

// keep writes what was counted for the plots.
func keep(t *testing.T, name string, f *fleet) {
	t.Helper()
	t.Logf("%s: %d people, %d calls, of which %d waited for a token and %d were given none", name, f.people, f.calls, f.waited, f.failed)
	if *out == "" {
		return
	}
	data, err := json.Marshal(map[string]any{"people": f.people, "requests": f.minutes, "unspread": f.unspread})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*out, name+".json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// People who sign in within minutes do not renew within minutes: an hour later there are at
// most half as many requests a minute.
func TestPeopleWhoSignInTogetherDoNotRenewTogether(t *testing.T) {
	t.Parallel()
	f := together(t)
	signIns, renewals := peak(f.signedIn, 0, 60), peak(f.minutes, 60, 120)
	t.Logf("at most %d sign-ins a minute, %d requests in the second hour; %d without spreading", signIns, renewals, peak(f.unspread, 60, 120))
	if 2*renewals > signIns {
		t.Errorf("%d requests a minute in the second hour, more than half of the sign-ins' %d", renewals, signIns)
	}
	keep(t, "together", f)
}

// Spreading costs little: at most a quarter more requests a day than if each token were
// renewed as late as all may be.
func TestRequestsOfADay(t *testing.T) {
	t.Parallel()
	f := simulate(t, plan{people: *days, length: 24 * time.Hour, arrive: normally})
	all, least := sum(f.minutes), sum(f.unspread)
	t.Logf("%d requests, %d without spreading: x %.2f", all, least, float64(all)/float64(least))
	if float64(all) > 1.25*float64(least) {
		t.Errorf("%d requests, %d without spreading", all, least)
	}
	keep(t, "day", f)
}

// People who come evenly are shown for comparison.
func TestPeopleWhoComeEvenly(t *testing.T) {
	if *out == "" {
		t.Skip("shown by make fleet")
	}
	keep(t, "evenly", simulate(t, plan{people: *people, length: morning, arrive: evenly}))
}

var (
	onceTogether sync.Once
	fleetOfAll   *fleet
)

// together simulates people who sign in within minutes, once.
func together(t *testing.T) *fleet {
	t.Helper()
	onceTogether.Do(func() { fleetOfAll = simulate(t, plan{people: *people, length: morning, arrive: normally}) })
	return fleetOfAll
}

// After a provider was out of order for ten minutes, everybody has a token within a minute,
// nobody is signed out, and it is not asked more than twice as often as it can be at any
// time: not while it is out of order either.
func TestProviderOutOfOrder(t *testing.T) {
	most := 2 * peak(together(t).minutes, 60, 150)
	busy := reply{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"30"}}}
	for _, tt := range []struct {
		name, file string
		during     reply
		slows      bool
	}{
		{"answers 503", "outage", reply{status: http.StatusServiceUnavailable}, false},
		{"answers 429 and Retry-After", "retry-after", busy, false},
		{"does not answer", "silence", reply{delay: time.Hour}, false},
		{"answers 503 and is slow when it is back", "slow", reply{status: http.StatusServiceUnavailable}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := simulate(t, plan{people: *people, length: 2 * time.Hour, arrive: normally, back: back, answer: func(at time.Duration, lately int) reply {
				switch {
				case at >= down && at < back:
					return tt.during
				case tt.slows: // requests time out at twice of what is usual
					load := float64(lately) / float64(most)
					return reply{delay: time.Duration(load * load * 10 * float64(time.Second))}
				}
				return reply{}
			}})
			limit := max(most, f.backlog)
			if got := peak(f.minutes, 60, 120); got > limit {
				t.Errorf("%d requests in a minute, more than %d; %d people waited when it was back", got, limit, f.backlog)
			}
			t.Logf("at most %d requests a minute, twice the usual is %d; %d people waited when it was back", peak(f.minutes, 60, 120), most, f.backlog)
			keep(t, tt.file, f)
		})
	}
}
