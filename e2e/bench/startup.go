package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// A result is what the program startup prints for one command.
type result struct{ WallNS, CPUNS, PeakKB int64 }

// startup compares "tokentoss token", with a valid token in the file store, with
// the least that a Go program can do, built by the same toolchain.
func startup(rounds int) ([]row, error) {
	dir, err := os.MkdirTemp("", "tokentoss-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	bin := func(name string) string { return filepath.Join(dir, name) }
	for name, pkg := range map[string]string{"hello.built": "./e2e/bench/hello", "startup": "./e2e/bench/startup"} {
		if err := build(bin(name), pkg); err != nil {
			return nil, err
		}
	}
	// Both are measured as an installation leaves them, written by a copy: what
	// the go command links has been written through a memory map, and lies in
	// Linux's page cache in pieces that take longer to map again.
	for name, from := range map[string]string{"tokentoss": "bin/tokentoss", "tokentoss-host": "bin/tokentoss-host", "hello": bin("hello.built")} {
		if err := replaceByCopy(from, bin(name)); err != nil {
			return nil, fmt.Errorf("%w; run it by make bench, which builds", err)
		}
	}
	tokentoss := bin("tokentoss")
	info, err := os.Stat(tokentoss)
	if err != nil {
		return nil, err
	}
	env, err := signIn(tokentoss, dir)
	if err != nil {
		return nil, err
	}
	// The same session in a store that is a plugin, read by the agent, and without
	// one.
	const store, noAgent = "TOKENTOSS_STORE=encrypted", "TOKENTOSS_AGENT_IDLE=0"
	migrate := exec.Command(tokentoss, "store", "migrate", "--from", "file", "--to", "encrypted")
	if migrate.Env = env; migrate.Run() != nil {
		return nil, fmt.Errorf("the session could not be put into the encrypted store")
	}
	defer func() {
		stop := exec.Command(tokentoss, "store", "lock")
		stop.Env = env
		_ = stop.Run()
	}()
	var out bytes.Buffer
	cmd := exec.Command(bin("startup"), strconv.Itoa(rounds), bin("hello"), "--", tokentoss, "token", "--", tokentoss, "status",
		"--", store, tokentoss, "token", "--", store, noAgent, tokentoss, "token")
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	var r []result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || len(r) != 5 {
		return nil, fmt.Errorf("startup printed %q", out.String())
	}
	ms := func(ns int64) time.Duration { return time.Duration(ns).Round(10 * time.Microsecond) }
	times := func(i int) string {
		return fmt.Sprintf("%s against %s; CPU %s against %s", ms(r[i].WallNS), ms(r[0].WallNS), ms(r[i].CPUNS), ms(r[0].CPUNS))
	}
	return []row{
		{"tokentoss token, cached: wall time against a Go hello world", ratio(r[1].WallNS, r[0].WallNS), 1.7, "x", times(1)},
		{"the same, from a plugin store by the agent", ratio(r[3].WallNS, r[0].WallNS), 2.5, "x", times(3)},
		{"the same, from a plugin store without an agent", ratio(r[4].WallNS, r[0].WallNS), 0, "x", times(4)},
		{"its process time over the file store's", float64(r[4].CPUNS-r[1].CPUNS) / 1e6, 45, "ms", times(4)},
		{"tokentoss status: wall time against a Go hello world", ratio(r[2].WallNS, r[0].WallNS), 0, "x", times(2)},
		{"tokentoss token: peak memory", float64(r[1].PeakKB) / 1024, 8, "MiB", fmt.Sprintf("hello world %.1f MiB", float64(r[0].PeakKB)/1024)},
		{"tokentoss: size of the executable", float64(info.Size()) / 1e6, 10, "MB", ""},
	}, nil
}

// build builds a program that is measured as one of a release is.
func build(to, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", to, pkg)
	cmd.Env, cmd.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building %s: %w", pkg, err)
	}
	return nil
}

// signIn makes a session in dir and returns the environment to use it in.
func signIn(tokentoss, dir string) ([]string, error) {
	e, err := emulator.Start(context.Background(), emulator.Options{AutoConsent: "ada@example.com"})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	client := filepath.Join(dir, "client_secrets.json")
	if err := os.WriteFile(client, e.ClientSecrets(), 0o600); err != nil {
		return nil, err
	}
	env := append(os.Environ(), "TOKENTOSS_CONFIG_DIR="+filepath.Join(dir, "config"), "TOKENTOSS_INSECURE_LOOPBACK=1")
	for _, args := range [][]string{{"configure", "--from", client}, {"login", "--browser", "curl -sL -o /dev/null"}} {
		cmd := exec.Command(tokentoss, args...)
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("tokentoss %s: %w\n%s", args[0], err, out)
		}
	}
	return env, nil
}

// replaceByCopy puts a copy of from in the place of to, as install(1) does.
func replaceByCopy(from, to string) error {
	out, err := exec.Command("install", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("install %s: %w: %s", from, err, out)
	}
	return nil
}

func ratio(a, b int64) float64 { return float64(a) / float64(b) }
