// Package pgtest starts a PostgreSQL server for tests of stores, from the programs
// that are installed on this machine. It links no driver.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNotInstalled: there is no PostgreSQL server on this machine.
var ErrNotInstalled = errors.New("PostgreSQL is not installed: install the package postgresql")

// Password is that of the user "tokentoss", who owns the database "tokentoss".
const Password = "test-password"

// startTimeout is how long the server may take until it listens.
const startTimeout = time.Minute

// A Server is one that runs.
type Server struct {
	Port int

	dir string
	bin string
	cmd *exec.Cmd
}

// Start starts a server in a directory of its own, on a port of 127.0.0.1, as an
// unprivileged user. Stop it when done. The error is [ErrNotInstalled] where there is
// nothing to start.
func Start() (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin}
	if err := s.create(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.Begin(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// programs returns the directory of the newest server that is installed. Debian does
// not put it into PATH.
func programs() (string, error) {
	if runtime.GOOS == "windows" {
		return "", ErrNotInstalled // its server would not run as another user, nor end in order
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	slices.SortFunc(found, func(a, b string) int { return version(b) - version(a) })
	if len(found) > 0 {
		return filepath.Dir(found[0]), nil
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", ErrNotInstalled
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

// create makes the server's files.
func (s *Server) create() error {
	passwords := filepath.Join(s.dir, "password")
	if err := os.WriteFile(passwords, []byte(Password+"\n"), 0o600); err != nil {
		return err
	}
	if err := giveAway(s.dir, passwords); err != nil {
		return err
	}
	initdb := s.command("initdb", "--pgdata", s.data(), "--username", "tokentoss", "--pwfile", passwords,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	single := s.command("postgres", "--single", "-D", s.data(), "postgres")
	single.Stdin = strings.NewReader("CREATE DATABASE tokentoss\n")
	if out, err := single.CombinedOutput(); err != nil {
		return fmt.Errorf("creating the database: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	unprivileged(cmd)
	return cmd
}

// Begin starts a server that was stopped by [Server.Interrupt], on the same port.
func (s *Server) Begin() error {
	if s.Port == 0 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s.Port = l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			return err
		}
	}
	s.cmd = s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.Port), "-h", "127.0.0.1", "-k", "", "-F")
	var out bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		err := exec.CommandContext(ctx, filepath.Join(s.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(s.Port)).Run()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the server does not listen: %w\n%s", err, out.String()), s.Interrupt())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Interrupt stops the server at once, as a crash would, and keeps its files.
func (s *Server) Interrupt() error {
	// Immediate shutdown: its children are ended, too.
	if err := s.cmd.Process.Signal(quit); err != nil {
		return err
	}
	_ = s.cmd.Wait()
	return nil
}

// Stop ends the server and removes its files.
func (s *Server) Stop() error { return errors.Join(s.Interrupt(), os.RemoveAll(s.dir)) }

// URL returns the address of the database without the password.
func (s *Server) URL() string {
	return fmt.Sprintf("postgres://tokentoss@127.0.0.1:%d/tokentoss", s.Port)
}
