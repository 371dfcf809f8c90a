package parent_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/parent"
)

// role is the variable that says what a process of this executable does.
const role = "TOKENTOSS_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "waits":
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "leaves": // when its child is there
		cmd := child("is left")
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_, _ = io.ReadFull(out, make([]byte, 1))
	case "is left":
		ctx, cancel := parent.With(context.Background())
		defer cancel()
		fmt.Print(".")
		<-ctx.Done()
		fmt.Fprint(os.Stderr, "left")
	default:
		os.Exit(m.Run())
	}
}

func child(does string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+does)
	cmd.Stderr = os.Stderr
	return cmd
}

// start starts a process that waits until it is killed, or the test ends.
func start(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := child("waits")
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		if strings.Contains(err.Error(), "exec format error") {
			t.Skip("this executable cannot be started by another: it is emulated")
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	return cmd
}

func wantDone(t *testing.T, ctx context.Context) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(time.Minute):
		t.Fatal("that it has ended is not noticed")
	}
}

func TestAProcessHasEnded(t *testing.T) {
	cmd := start(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	ctx, cancel := parent.WithProcess(t.Context(), cmd.Process.Pid)
	defer cancel()
	wantDone(t, ctx)
}

func TestTheParentEnds(t *testing.T) {
	start(t) // or skips
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := child("leaves")
	cmd.Stderr = w
	err = cmd.Run()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(r)
		said <- string(text)
	}()
	select {
	case text := <-said:
		if text != "left" {
			t.Errorf("it said %q", text)
		}
	case <-time.After(time.Minute):
		t.Error("a process does not notice that its parent has ended")
	}
}
