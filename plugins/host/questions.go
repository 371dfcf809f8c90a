package host

import (
	"context"
	"fmt"
	"sync"
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

	mu     sync.Mutex
	busy   bool // the person is being asked
	limits map[*limit]bool
}

func newQuestions(ask func(context.Context, string) (core.Secret, error), answer func(*pb.Answer)) *questions {
	return &questions{ask: ask, answer: answer, waiting: make(chan *pb.Question, maxQuestions), limits: make(map[*limit]bool)}
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

// set stops the time of all calls while the person is being asked.
func (q *questions) set(busy bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = busy
	for l := range q.limits {
		if busy {
			l.pause()
		} else {
			l.run()
		}
	}
}

// limit bounds a call to a time in which no question is being asked. The caller
// ends it.
func (q *questions) limit(ctx context.Context, d time.Duration) *limit {
	l := &limit{q: q, left: d}
	l.Context, l.cancel = context.WithCancel(ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limits[l] = true
	if !q.busy {
		l.run()
	}
	return l
}

// A limit is the context of a call. Its fields are guarded by q.mu.
type limit struct {
	context.Context
	q      *questions
	cancel context.CancelFunc

	timer  *time.Timer // nil while the time does not count
	left   time.Duration
	since  time.Time
	passed bool
}

func (l *limit) run() {
	l.since = time.Now()
	l.timer = time.AfterFunc(l.left, l.expire)
}

func (l *limit) pause() {
	if l.timer != nil && l.timer.Stop() {
		l.left -= time.Since(l.since)
	}
	l.timer = nil
}

func (l *limit) expire() {
	l.q.mu.Lock()
	defer l.q.mu.Unlock()
	if l.timer != nil { // or a question came at this moment
		l.passed = true
		l.cancel()
	}
}

// isPassed tells whether the time is over, as opposed to the caller's patience.
func (l *limit) isPassed() bool {
	l.q.mu.Lock()
	defer l.q.mu.Unlock()
	return l.passed
}

func (l *limit) end() {
	l.q.mu.Lock()
	defer l.q.mu.Unlock()
	l.pause()
	delete(l.q.limits, l)
	l.cancel()
}
