package loopback_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

func TestMain(m *testing.M) {
	if role() {
		os.Exit(0)
	}
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func listen(t *testing.T, a loopback.Address) *loopback.Listeners {
	t.Helper()
	ls, err := loopback.Listen(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ls.Close)
	return ls
}

// names are the hosts of listeners without their port.
func names(ls *loopback.Listeners) []string {
	var list []string
	for _, host := range ls.Hosts() {
		list = append(list, strings.TrimSuffix(host, ":"+ls.Port))
	}
	return list
}

// A name is announced and accepted only where each address that it leads to is
// listened on.
func TestNames(t *testing.T) {
	for _, d := range []struct {
		address loopback.Address
		want    string
	}{
		{loopback.Address{}, "127.0.0.1 [::1] localhost"},
		{loopback.Address{Text: "localhost:0"}, "127.0.0.1 [::1] localhost"},
		{loopback.Address{Text: "LOCALHOST:0"}, "127.0.0.1 [::1] localhost"},
		{loopback.Address{Text: "127.0.0.1:0"}, "127.0.0.1"},
		{loopback.Address{Text: "[::1]:0"}, "[::1]"},
		{loopback.Address{Text: "[::ffff:127.0.0.1]:0"}, "127.0.0.1"},
		{loopback.Address{Text: "127.0.0.1:0", Names: true}, "127.0.0.1 [::1] localhost"},
		{loopback.Address{Text: "[::1]:0", Names: true}, "[::1] 127.0.0.1 localhost"},
		{loopback.Address{Text: ":0", Expose: true}, "127.0.0.1 [::1] localhost"},
		{loopback.Address{Text: "0.0.0.0:0", Expose: true}, "127.0.0.1 [::1] localhost"},
		{loopback.Address{Text: "[::]:0", Expose: true}, "127.0.0.1 [::1] localhost"},
	} {
		ls := listen(t, d.address)
		if got := strings.Join(names(ls), " "); got != d.want {
			t.Errorf("%+v: %s, not %s", d.address, got, d.want)
		}
		// What is announced is held: nobody else can listen there now.
		for _, host := range ls.Hosts() {
			name, port, _ := net.SplitHostPort(host)
			ips := []string{name}
			if name == "localhost" {
				ips = []string{"127.0.0.1", "::1"}
			}
			for _, ip := range ips {
				if l, err := net.Listen("tcp", net.JoinHostPort(ip, port)); err == nil {
					l.Close()
					t.Errorf("%+v: %s is announced, and somebody else can listen on %s", d.address, host, ip)
				}
			}
		}
		if want := slices.Contains(names(ls), "localhost"); ls.Localhost() != want {
			t.Errorf("%+v: names below localhost: %t", d.address, ls.Localhost())
		}
	}
}

// Where the other address of localhost is somebody else's, its names are an error, and
// a port that was left open is another one.
func TestOtherFamilyTaken(t *testing.T) {
	for _, own := range []string{"127.0.0.1", "[::1]"} {
		other := map[string]string{"127.0.0.1": "[::1]:0", "[::1]": "127.0.0.1:0"}[own]
		taken, err := net.Listen("tcp", other)
		if err != nil {
			t.Skip(err)
		}
		defer taken.Close()
		_, port, _ := net.SplitHostPort(taken.Addr().String())
		for _, a := range []loopback.Address{{Text: "localhost:" + port}, {Text: own + ":" + port, Names: true}} {
			_, err := loopback.Listen(t.Context(), a)
			if !errors.Is(err, fault.AddressInUse) || !strings.Contains(fault.RemedyOf(err).Text, "another program has port "+port) {
				t.Errorf("%+v: %v (%s)", a, err, fault.RemedyOf(err))
			}
		}
		if got := names(listen(t, loopback.Address{Text: own + ":" + port})); len(got) != 1 || got[0] != own {
			t.Errorf("%s alone: %v", own, got)
		}
	}
}

// The usual port of http is left out of Host, or not.
func TestUsualPort(t *testing.T) {
	ls := &loopback.Listeners{Port: "80"}
	if got := fmt.Sprint(ls.WithPort("App.localhost")); got != "[app.localhost app.localhost:80]" {
		t.Error(got)
	}
}

func TestHolds(t *testing.T) {
	both, one := listen(t, loopback.Address{}), listen(t, loopback.Address{Text: "127.0.0.1:0"})
	for name, want := range map[string][2]bool{"127.0.0.1": {true, true}, "::1": {true, false}, "192.0.2.1": {false, false}, "nowhere.invalid": {false, false}} {
		if got := [2]bool{both.Holds(t.Context(), name), one.Holds(t.Context(), name)}; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What cannot be listened on is said with what to do.
func TestWrongAddresses(t *testing.T) {
	for text, says := range map[string]string{
		"127.0.0.1": "HOST:PORT", "127.0.0.1:x": "not a port", "127.0.0.1:70000": "not a port", "127.0.0.1:http": "not a port", "127.0.0.1:08080": "not a port", "127.0.0.1:": "not a port",
		"example.com:80": "neither localhost nor", "0.0.0.0:0": "other machines", ":0": "other machines", "[::]:0": "other machines", "192.0.2.1:0": "other machines", "unix:/x": "not a port",
	} {
		_, err := loopback.Listen(t.Context(), loopback.Address{Text: text})
		if !errors.Is(err, fault.BadConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := loopback.Listen(t.Context(), loopback.Address{Text: "192.0.2.1:8080", Expose: true}); !strings.Contains(fault.RemedyOf(err).Text, "does not have that address") {
		t.Errorf("another machine's address: %v (%s)", err, fault.RemedyOf(err))
	}
}

// A Unix socket is the user's alone; it has no name but localhost, and goes in the end.
func TestUnix(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a socket has no mode here")
	}
	path := filepath.Join(t.TempDir(), "s")
	ls, err := loopback.Listen(context.Background(), loopback.Address{Text: "unix:" + path, Unix: true})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || fmt.Sprint(ls.Hosts()) != "[localhost]" || !ls.Localhost() {
		t.Errorf("%v %v %v", info, err, ls.Hosts())
	}
	if _, err := loopback.Listen(t.Context(), loopback.Address{Text: "unix:" + path, Unix: true}); !errors.Is(err, fault.AddressInUse) {
		t.Errorf("in use: %v", err)
	}
	if ls.Close(); exists(path) {
		t.Error("it is there afterwards")
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
