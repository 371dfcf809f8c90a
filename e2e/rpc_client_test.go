//go:build linux

package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// object is a JSON object.
type object = map[string]any

// A served program is the client of a tokentoss rpc.
type served struct {
	*process
	t       *testing.T
	stdin   io.WriteCloser
	stdout  io.Closer
	answers chan object
	notes   []object // messages to views that were not looked at
	last    int
}

// rpc starts tokentoss rpc --stdio.
func (m *machine) rpc(t *testing.T, change ...func(*exec.Cmd)) *served {
	t.Helper()
	c := m.command("rpc", "--stdio")
	for _, f := range change {
		f(c)
	}
	in, stdin, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &served{process: &process{cmd: c, done: make(chan struct{})}, t: t, stdin: stdin, stdout: stdout, answers: make(chan object, 1000)}
	c.Stdin, c.Stdout, c.Stderr = in, out, &s.stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	go func() {
		defer close(s.done)
		_ = c.Wait()
	}()
	go s.read(stdout)
	t.Cleanup(func() {
		stdin.Close()
		_ = c.Process.Kill()
		<-s.done
	})
	return s
}

func (s *served) read(stdout *os.File) {
	defer close(s.answers)
	defer stdout.Close()
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		var m object
		if json.Unmarshal([]byte(line), &m) != nil {
			m = object{"broken": line}
		}
		s.answers <- m
	}
}

func (s *served) write(line string) {
	s.t.Helper()
	if _, err := io.WriteString(s.stdin, line+"\n"); err != nil {
		s.t.Fatalf("%v\n%s", err, s.stderr.String())
	}
}

// receive returns the next message.
func (s *served) receive() object {
	s.t.Helper()
	select {
	case m, ok := <-s.answers:
		if !ok {
			s.t.Fatalf("it has ended\n%s", s.stderr.String())
		}
		return m
	case <-time.After(patience):
		s.t.Fatalf("there is no answer\n%s", s.stderr.String())
	}
	return nil
}

// begin sends a request and returns its id.
func (s *served) begin(method string, params object) float64 {
	s.t.Helper()
	s.last++
	data, err := json.Marshal(object{"jsonrpc": "2.0", "id": s.last, "method": method, "params": params})
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(string(data))
	return float64(s.last)
}

// call sends a request and returns its answer.
func (s *served) call(method string, params object) object {
	s.t.Helper()
	id := s.begin(method, params)
	for {
		switch m := s.receive(); {
		case m["id"] == id:
			return m
		case m["method"] == "session.message":
			s.notes = append(s.notes, m["params"].(object))
		default:
			s.t.Fatalf("%s: this came instead of an answer: %v", method, m)
		}
	}
}

func (s *served) does(method string, params object) object {
	s.t.Helper()
	m := s.call(method, params)
	result, ok := m["result"].(object)
	if !ok {
		s.t.Fatalf("%s: %v\n%s", method, m, s.stderr.String())
	}
	return result
}

// fails is call for what must fail for a reason; it returns the hint.
func (s *served) fails(reason, method string, params object) (hint string) {
	s.t.Helper()
	m := s.call(method, params)
	problem, _ := m["error"].(object)
	data, _ := problem["data"].(object)
	if data["reason"] != reason {
		s.t.Fatalf("%s: %v, want %s", method, m, reason)
	}
	return fmt.Sprint(data["hint"])
}

// opened begins, and opens a session.
func (s *served) opened(params object) string {
	s.t.Helper()
	if s.last == 0 {
		s.does("initialize", object{"protocol": "tokentoss.rpc/1", "client": object{"name": "test", "version": "1"}})
	}
	return s.does("session.open", params)["session"].(string)
}

// say sends a message of a view.
func (s *served) say(session string, message object) {
	s.t.Helper()
	message["v"] = 1
	data, err := json.Marshal(object{"jsonrpc": "2.0", "method": "session.message", "params": object{"session": session, "message": message}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(string(data))
}

// until waits for a message to the views.
func (s *served) until(session, what string, ok func(object) bool) object {
	s.t.Helper()
	for {
		if len(s.notes) == 0 {
			m := s.receive()
			note, isNote := m["params"].(object)
			if !isNote {
				s.t.Fatalf("waiting until %s: %v", what, m)
			}
			s.notes = append(s.notes, note)
		}
		note := s.notes[0]
		s.notes = s.notes[1:]
		if m := note["message"].(object); note["session"] == session && ok(m) {
			return m
		}
	}
}

func (s *served) phase(session, phase string) object {
	s.t.Helper()
	return s.until(session, "the phase is "+phase, func(m object) bool { return m["phase"] == phase })
}

// armed says hello, and returns the address to sign in at.
func (s *served) armed(session string) string {
	s.t.Helper()
	s.say(session, object{"type": "hello"})
	return s.until(session, "there is an address", func(m object) bool { return m["type"] == "armed" })["auth_url"].(string)
}

// agree does what the person does in the browser, up to the last redirect.
func (m *machine) agree(t *testing.T, address string) (redirect string) {
	t.Helper()
	redirect, err := m.provider.Authorize(t.Context(), address, ada)
	if err != nil {
		t.Fatal(err)
	}
	return redirect
}

// children returns the processes that pid has started.
func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		data, _ := os.ReadFile(list) // the thread may have ended
		for word := range strings.FieldsSeq(string(data)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, child)
		}
	}
	return pids
}

// runs tells whether there is a process with that number, which is no zombie.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// frontend returns the process behind the views of a session. Without a view there
// is none.
func (s *served) frontend() int {
	s.t.Helper()
	pids := children(s.t, s.cmd.Process.Pid)
	if len(pids) != 1 {
		s.t.Fatalf("tokentoss rpc has %d processes, want 1", len(pids))
	}
	return pids[0]
}
