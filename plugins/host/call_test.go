package host

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
)

// TestCallDeadline: the plugin's side may be the first to see that the time is up.
// Whose deadline it was is said nevertheless.
func TestCallDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &store{plugin: "x", timeout: time.Second, ended: make(chan struct{}), gone: noAnswer("x"), questions: newQuestions(nil, nil)}
		early := func(context.Context, *pb.LoadRequest, ...grpc.CallOption) (*pb.LoadResponse, error) {
			return nil, status.Error(codes.DeadlineExceeded, "context deadline exceeded")
		}
		_, err := call(t.Context(), s, "load", early, &pb.LoadRequest{})
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), "load: no answer within 1s") {
			t.Errorf("the store's deadline: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_, err = call(ctx, s, "load", early, &pb.LoadRequest{})
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, core.ErrUnavailable) {
			t.Errorf("the caller's deadline: %v", err)
		}
	})
}

// TestLimit: the time in which a person is asked does not count, and the rest does.
func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		q := newQuestions(nil, nil)
		l := q.limit(t.Context(), time.Second)
		for range 3 {
			time.Sleep(300 * time.Millisecond)
			q.set(true)
			q.set(true)
			time.Sleep(time.Hour)
			q.set(false)
		}
		<-l.Done()
		if took := time.Since(began); took != 3*time.Hour+time.Second || !l.isPassed() {
			t.Errorf("it ended after %s, because its time has passed: %t", took, l.isPassed())
		}
		l.end()

		q.set(true)
		late := q.limit(t.Context(), time.Second) // begun while a person is being asked
		time.Sleep(time.Hour)
		if late.Err() != nil {
			t.Error("it ended while a person was being asked")
		}
		q.set(false)
		<-late.Done()
		late.end()

		given := q.limit(t.Context(), time.Second)
		given.end()
		if given.Err() == nil || given.isPassed() || len(q.limits) != 0 {
			t.Error("one that ended in time is not over, or is remembered")
		}
	})
}
