package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/e2e/internal/python"
	"github.com/tokentoss/tokentoss/emulator"
)

// earlier is Python tokentoss, which does in Python what the executable does here.
const earlier = "0.1.1"

//go:embed notebook.py
var notebookScript string

// A kernel runs parts of notebook.py with one of the two Python packages.
type kernel struct {
	python string
	env    []string
}

// notebook compares the Python package with an earlier one, which has no executable: it
// reads the session file itself. Both call a plain server on this machine, with the
// same session.
func notebook(rounds int) ([]row, error) {
	dir, err := os.MkdirTemp("", "tokentoss-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ours, theirs, err := kernels(dir)
	if missing := new(python.MissingError); errors.As(err, &missing) {
		fmt.Println("notebook: left out:", missing)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	service := httptest.NewServer(http.HandlerFunc(serveValue))
	defer service.Close()
	rows, err := firstCall(ours, theirs, service.URL, max(rounds/10, 5))
	if err != nil {
		return nil, err
	}
	rates, err := requestRate(ours, theirs, service.URL, filepath.Join(dir, "config", "tokens.json"))
	if err != nil {
		return nil, err
	}
	signIns, err := signIns(ours, theirs, dir)
	return slices.Concat(rows, rates, signIns), err
}

// serveValue answers who has a token, and nobody else but at /bare.
func serveValue(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") && r.URL.Path != "/bare" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"value": 42}`)
}

// kernels installs both packages, and signs in for them in dir.
func kernels(dir string) (ours, theirs kernel, err error) {
	bin := func(name, program string) string { return filepath.Join(dir, name, "bin", program) }
	// First what others made: without that, nothing needs to be built.
	if err := python.Install(filepath.Join(dir, "theirs"), "tokentoss=="+earlier); err != nil {
		return ours, theirs, err
	}
	wheel, err := python.Wheel(".")
	if err != nil {
		return ours, theirs, err
	}
	if err := python.Install(filepath.Join(dir, "ours"), wheel); err != nil {
		return ours, theirs, err
	}
	env, err := signIn(bin("ours", "tokentoss"), dir)
	env = append(env, "TOKENTOSS_TOKEN_FILE="+filepath.Join(dir, "config", "tokens.json"), "PYTHONDONTWRITEBYTECODE=")
	return kernel{bin("ours", "python"), env}, kernel{bin("theirs", "python"), env}, err
}

// command is a part of notebook.py, with its arguments.
func (k kernel) command(args ...string) *exec.Cmd {
	c := exec.Command(k.python, append([]string{"-c", notebookScript}, args...)...)
	c.Env, c.Stderr = k.env, os.Stderr
	return c
}

// firstCall compares programs that import IAPClient and make one call.
func firstCall(ours, theirs kernel, service string, rounds int) ([]row, error) {
	var own, other, bare []float64
	for round := range rounds + 1 {
		for _, side := range []struct {
			cmd   *exec.Cmd
			times *[]float64
		}{{ours.command("first", service), &own}, {theirs.command("first", service), &other}, {ours.command("bare", service), &bare}} {
			began := time.Now()
			if err := side.cmd.Run(); err != nil {
				return nil, err
			}
			if round > 0 { // the first compiles
				*side.times = append(*side.times, float64(time.Since(began))/1e6)
			}
		}
	}
	a, b, c := middle(own), middle(other), middle(bare)
	detail := fmt.Sprintf("%.0f ms against %.0f ms, %.0f ms with requests alone", a, b, c)
	return []row{
		{"Python IAPClient, import and first call: against " + earlier, a / b, 1, "x", detail},
		{"the same against a program with requests alone", a / c, 1.15, "x", detail},
	}, nil
}

// requestRate compares requests one after another, by a client that is there.
func requestRate(ours, theirs kernel, service, tokens string) ([]row, error) {
	const seconds = "1"
	sides := [][]float64{nil, nil, nil}
	for range 5 {
		for i, cmd := range []*exec.Cmd{ours.command("rate", service, seconds), theirs.command("rate", service, seconds), theirs.command("rate", service, seconds, tokens)} {
			out, err := cmd.Output()
			if err != nil {
				return nil, err
			}
			rate, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
			if err != nil {
				return nil, err
			}
			sides[i] = append(sides[i], rate)
		}
	}
	own, file, memory := middle(sides[0]), middle(sides[1]), middle(sides[2])
	return []row{
		{"Python IAPClient, requests per second: against " + earlier + ", file", own / file, -0.9, "x", fmt.Sprintf("%.0f against %.0f", own, file)},
		{"the same against one that signed in itself", own / memory, 0, "x", fmt.Sprintf("%.0f against %.0f", own, memory)},
	}, nil
}

// A waited is how long a person waits in a sign-in, in milliseconds.
type waited struct {
	Armed    float64 `json:"armed"`
	SignedIn float64 `json:"signed_in"`
}

// signIns measures sign-ins by the widgets, without a front end. Only the end of one can
// be compared, and favours the earlier package: it looks when its window has closed by
// itself, 1.5 s after the redirect, which is not counted. It makes its address after the
// click, in a kernel that must be idle then; here it is there before.
func signIns(ours, theirs kernel, dir string) ([]row, error) {
	e, err := emulator.Start(context.Background(), emulator.Options{})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	client := filepath.Join(dir, "client.json")
	if err := os.WriteFile(client, e.ClientSecrets(), 0o600); err != nil {
		return nil, err
	}
	own := ours
	own.env = append(slices.Clone(ours.env), "TOKENTOSS_CONFIG_DIR="+filepath.Join(dir, "signins"), "TOKENTOSS_TOKEN_FILE=")
	configure := exec.Command(filepath.Join(filepath.Dir(ours.python), "tokentoss"), "configure", "--from", client)
	if configure.Env = own.env; configure.Run() != nil {
		return nil, errors.New("the widget's client could not be configured")
	}
	var armed, signedIn, other []float64
	for round := range 6 {
		a, err := own.signIn(e, "sign_in")
		if err != nil {
			return nil, err
		}
		b, err := theirs.signIn(e, "sign_in_earlier", client)
		if err != nil {
			return nil, err
		}
		_ = os.Remove(filepath.Join(dir, "signins", "tokens.json"))
		if round > 0 {
			armed, signedIn, other = append(armed, a.Armed), append(signedIn, a.SignedIn), append(other, b.SignedIn)
		}
	}
	a, s, o := middle(armed), middle(signedIn), middle(other)
	return []row{
		{"Python widget: shown to armed, in a new kernel", a, 0, "ms", "with the start of the executable and of its plugin"},
		{"Python widget: consent to signed in", s, 0, "ms", fmt.Sprintf("%.0f ms in %s, which begin when its window has closed", o, earlier)},
		{"the same against " + earlier + ", with the 1.5 s of its window", s / (o + 1500), 1, "x", ""},
	}, nil
}

// signIn has the person at the emulator agree to a sign-in of the script.
func (k kernel) signIn(e *emulator.Emulator, args ...string) (w waited, err error) {
	c := k.command(args...)
	stdin, err := c.StdinPipe()
	if err != nil {
		return w, err
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		return w, err
	}
	if err := c.Start(); err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, c.Wait()) }()
	defer stdin.Close()
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		return w, errors.New("the widget shows no address")
	}
	redirect, err := e.Authorize(context.Background(), lines.Text(), e.Accounts()[0].Email)
	if err != nil {
		return w, err
	}
	if _, err := fmt.Fprintln(stdin, redirect); err != nil {
		return w, err
	}
	if !lines.Scan() {
		return w, errors.New("the sign-in has no end")
	}
	return w, json.Unmarshal(lines.Bytes(), &w)
}
