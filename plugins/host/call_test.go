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
		s := &store{plugin: "x", timeout: time.Second, ended: make(chan struct{}), gone: noAnswer("x")}
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

// TestStopwatch: it fires after the time in which it ran, and no other.
func TestStopwatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := startStopwatch(time.Second)
		for range 3 {
			time.Sleep(300 * time.Millisecond)
			w.run(false)
			w.run(false)
			time.Sleep(time.Hour)
			w.run(true)
			w.run(true)
		}
		<-w.timer.C
		if took := time.Since(began); took != 3*time.Hour+time.Second {
			t.Errorf("it fired after %s", took)
		}
		w.run(false)
		time.Sleep(time.Hour)
		w.run(true) // the time is up, and stays so
		select {
		case <-w.timer.C:
		case <-time.After(time.Second):
			t.Error("it fired once only")
		}
	})
}
