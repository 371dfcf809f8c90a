package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// After a failure that may pass, calls are repeated after these times, which grow from
// the first to the last: a standby takes over within seconds.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = 500 * time.Millisecond
)

// persistence is how many timeouts Save and Lock take before they give up: the document may
// be the only copy of a refresh token, and a database is back soon.
const persistence = 3

// try calls f until it succeeds, fails for a reason that stays, or the store's timeout
// is over.
func (s *store) try(ctx context.Context, f func(context.Context) error) error {
	return s.tryFor(ctx, s.timeout, f)
}

// tryFor is try with more patience; f has the store's timeout each time.
func (s *store) tryFor(ctx context.Context, patience time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error // that says more than that the time is over
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		attempt, cancel := context.WithTimeout(ctx, s.timeout)
		err := f(attempt)
		cancel()
		if err == nil || !transient(err) {
			return err
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		timer := time.NewTimer(delay/2 + rand.N(delay/2))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return last
		}
	}
}

// transient tells whether the same call may succeed in a moment. Whether the database
// did what it was asked is not known then.
func transient(err error) bool {
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "closed pool") {
		return false
	}
	switch c := code(err); {
	case c == "":
		return !untrusted(err)
	case foreign(err): // the next call does without
		return true
	default:
		// Connections, resources, an operator who restarts it, serialization.
		return strings.HasPrefix(c, "08") || c == "53300" || strings.HasPrefix(c, "57P") || strings.HasPrefix(c, "40")
	}
}

// untrusted tells whether no connection was made since one side does not trust the
// other's certificate.
func untrusted(err error) bool {
	text := err.Error()
	return strings.Contains(text, "x509: ") || strings.Contains(text, "tls: ")
}

// failed explains err, of a call that ended with ctx, the caller's. What the database
// says may quote what it was sent, and is not shown: its code is.
func (s *store) failed(ctx context.Context, op string, err error) error {
	if errors.Is(err, core.ErrLocked) {
		return err
	}
	e := &fault.Error{Op: op, Subject: "database at " + s.host, Kind: fault.Unavailable}
	switch c := code(err); {
	case ctx.Err() != nil:
		e.Problem, e.Err = "no answer", ctx.Err()
	case untrusted(err):
		e.Kind, e.Problem, e.Remedy = fault.UntrustedServer, "the certificate is not trusted", fault.Say("set sslrootcert in url to the file of the CA's certificate")
	case strings.HasPrefix(c, "28"):
		e.Kind, e.Problem, e.Remedy = fault.Refused, "the database does not accept the user or the password", fault.Say("check the user in url, and password")
	case c == "42501" || c == "3F000":
		e.Kind, e.Problem = fault.Refused, "no permission for the tables"
		e.Remedy = fault.Ask.To("the database's administrator", "to make the tables tokentoss_sessions and tokentoss_locks, and to let you read and write them")
		if s.unusedAfter > 0 {
			e.Remedy = fault.Ask.To("the database's administrator", "to make the tables tokentoss_sessions, with the columns for unused_after, and tokentoss_locks, and to let you read and write them")
		}
	case c == "3D000":
		e.Kind, e.Problem, e.Remedy = fault.BadConfig, "there is no such database", fault.Say("correct the database in url")
	case c == "25006":
		e.Kind, e.Problem, e.Remedy = fault.ReadOnly, "it is a read-only standby", fault.Say("set target_session_attrs=read-write in url, with all hosts")
	case strings.HasPrefix(c, "53") && c != "53300":
		e.Kind, e.Problem, e.Remedy = fault.ReadOnly, "it has no space or memory left", fault.Ask.To("the database's administrator", "to make room")
	case c == "54000":
		e.Kind = fault.TooLarge
	case c != "":
		e.Problem = "error " + c
	default:
		e.Problem, e.Err = "no answer within "+s.timeout.String(), cause(err)
		e.Remedy = fault.CheckNetwork.On(s.host)
	}
	return e
}

// cause is why no connection was made, without the address, which the driver repeats.
func cause(err error) error {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		err = connect.Unwrap()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%s", text)
}
