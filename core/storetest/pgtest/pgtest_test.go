package pgtest_test

import (
	"errors"
	"net"
	"strconv"
	"testing"

	"github.com/tokentoss/tokentoss/core/storetest/pgtest"
)

func TestServerListensUntilItIsStopped(t *testing.T) {
	s, err := pgtest.Start()
	if errors.Is(err, pgtest.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Errorf("it does not listen: %v", err)
	} else {
		_ = c.Close()
	}
	if err := s.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if c, err := net.Dial("tcp", address); err == nil {
		_ = c.Close()
		t.Error("it listens after Stop")
	}
}
