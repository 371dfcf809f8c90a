// Package otheruser has a test ask its own server as another user of the machine
// would: by a process of the test's own executable.
package otheruser

import (
	"io"
	"net"
	"os"
	"time"
)

// addressEnv makes the executable a client of the address that it names; leaveEnv one
// that does not wait for answers.
const (
	addressEnv = "TOKENTOSS_TEST_CLIENT"
	leaveEnv   = "TOKENTOSS_TEST_CLIENT_LEAVES"
)

// patience bounds what is meant to happen soon.
const patience = 10 * time.Second

// What became of a request.
const (
	Granted     = 0
	Unreachable = 3
	Refused     = 4
)

// A Client makes one request.
type Client struct {
	Request func(address string) string // as it goes over the wire
	Granted func(answer string) bool
}

// Main makes the process the client, if it was started as that. It is the first thing
// that TestMain calls.
func (c Client) Main() {
	if address := os.Getenv(addressEnv); address != "" {
		if os.Getenv(leaveEnv) != "" {
			os.Exit(c.leave(address))
		}
		os.Exit(c.ask(address))
	}
}

// leave makes many requests, and closes or resets each connection at once: before the
// server can find out whose it was.
func (c Client) leave(address string) int {
	for i := range 100 {
		conn, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			return Unreachable
		}
		_, _ = io.WriteString(conn, c.Request(address))
		if i%2 == 0 {
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		_ = conn.Close()
	}
	return Refused
}

func (c Client) ask(address string) int {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return Unreachable
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, c.Request(address))
	if answer, _ := io.ReadAll(conn); c.Granted(string(answer)) {
		return Granted
	}
	return Refused
}
