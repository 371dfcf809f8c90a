package host

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// maxQuestions is how many questions of a store may wait to be asked.
const maxQuestions = 16

// questions are those that an open store has for the person. One is asked at a
// time, since there is one person.
type questions struct {
	ask    func(context.Context, string) (core.Secret, error) // may be nil
	answer func(*pb.Answer)

	waiting chan *pb.Question
	busy    atomic.Bool
	changed chan struct{} // busy may be another
}

func newQuestions(ask func(context.Context, string) (core.Secret, error), answer func(*pb.Answer)) *questions {
	return &questions{ask: ask, answer: answer, waiting: make(chan *pb.Question, maxQuestions), changed: make(chan struct{}, 1)}
}

// put takes a question.
func (q *questions) put(m *pb.Question) {
	var err error
	if q.ask == nil {
		err = fmt.Errorf("%w: there is nobody to ask", core.ErrSealed)
	} else {
		select {
		case q.waiting <- m:
			return
		default:
			err = fmt.Errorf("%w: too many questions at once", core.ErrSealed)
		}
	}
	q.answer(&pb.Answer{Id: m.GetId(), Error: wire.FromError(err)})
}

// run asks until ctx ends.
func (q *questions) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-q.waiting:
			q.set(true)
			secret, err := q.ask(ctx, m.GetText())
			q.set(false)
			if err == nil && !utf8.ValidString(secret.Reveal()) {
				secret, err = "", fmt.Errorf("%w: the answer is not UTF-8", core.ErrRefused)
			}
			q.answer(&pb.Answer{Id: m.GetId(), Text: secret.Reveal(), Error: wire.FromError(err)})
		}
	}
}

func (q *questions) set(busy bool) {
	q.busy.Store(busy)
	select {
	case q.changed <- struct{}{}:
	default:
	}
}

// A stopwatch fires after a time in which it was running.
type stopwatch struct {
	timer *time.Timer
	left  time.Duration
	since time.Time // when it began to run; zero while it does not
}

func startStopwatch(d time.Duration) *stopwatch {
	return &stopwatch{timer: time.NewTimer(d), left: d, since: time.Now()}
}

// run lets the stopwatch run, or not.
func (w *stopwatch) run(on bool) {
	switch {
	case on && w.since.IsZero():
		w.since = time.Now()
		w.timer.Reset(w.left)
	case !on && !w.since.IsZero():
		w.timer.Stop()
		w.left -= time.Since(w.since)
		w.since = time.Time{}
	}
}
