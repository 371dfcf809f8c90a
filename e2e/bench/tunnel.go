package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cedws/iapc/iap"
	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core/iap/tunnel"
	"github.com/tokentoss/tokentoss/emulator"
)

const (
	tunnelRounds = 3
	tunnelBytes  = 500 << 20

	// tunnelMemory is what each of tunnelMany connections may add to the memory of
	// their process, in MiB, while more comes than is read.
	tunnelMemory = 4
	tunnelMany   = 200
)

const benchAccount = "robot@project.iam.gserviceaccount.com"

// tunnels compares a large download through the relay with that of another client of
// the same relay, which resumes nothing. Clients and relay are processes of their own.
func tunnels(int) ([]row, error) {
	relay, err := startRole("relay")
	if err != nil {
		return nil, err
	}
	defer relay.stop()
	times := map[string][]float64{}
	for range tunnelRounds {
		for _, name := range []string{"tunnel-ours", "tunnel-iapc"} {
			took, _, err := tunnelDownload(name, relay)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			times[name] = append(times[name], took)
		}
	}
	_, memory, err := tunnelDownload("tunnel-many", relay)
	if err != nil {
		return nil, err
	}
	ours, theirs := middle(times["tunnel-ours"]), middle(times["tunnel-iapc"])
	return []row{
		{name: "tunnel, 500 MB: speed against iapc", ratio: theirs / ours, budget: -1, unit: "x", detail: fmt.Sprintf("%.1f s against %.1f s", ours, theirs)},
		{name: fmt.Sprintf("tunnel, %d connections at once: memory of one", tunnelMany), ratio: memory / tunnelMany, budget: tunnelMemory, unit: "MiB"},
	}, nil
}

// tunnelDownload has a client of its own download. It returns the seconds that it took,
// and how far the client's memory grew, in MiB.
func tunnelDownload(name string, relay *role) (seconds, grown float64, err error) {
	c, err := startRole(name, relay.address, relay.header)
	if err != nil {
		return 0, 0, err
	}
	defer c.stop()
	before, err := c.memory("VmRSS")
	if err != nil {
		return 0, 0, err
	}
	conn, err := net.Dial("tcp", c.address) // which has the client begin
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	answer, err := io.ReadAll(conn)
	if err != nil {
		return 0, 0, err
	}
	took, err := time.ParseDuration(string(answer))
	if err != nil {
		return 0, 0, fmt.Errorf("the client said %q", answer)
	}
	peak, err := c.memory("VmHWM")
	return took.Seconds(), max(0, peak-before) / 1024, err
}

// playRelay is the emulator, with a source of zeros as port 7 of an instance.
func playRelay(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go func() { // ends with the process
		zeros := make([]byte, 256<<10)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for sent := 0; sent < tunnelBytes; sent += len(zeros) {
					if _, err := c.Write(zeros[:min(len(zeros), tunnelBytes-sent)]); err != nil {
						return
					}
				}
			}()
		}
	}()
	e, err := emulator.Start(ctx, emulator.Options{
		ServiceAccounts: []emulator.ServiceAccount{{Email: benchAccount}},
		Instances:       []emulator.Instance{{Project: "p", Zone: "z", Name: "box", Ports: map[int]string{7: l.Addr().String()}}},
	})
	if err != nil {
		return err
	}
	defer e.Close()
	token, err := e.AccessToken(benchAccount, tunnel.Scope)
	if err != nil {
		return err
	}
	fmt.Println(strings.TrimPrefix(e.GoogleURL(), "http://"), token)
	<-ctx.Done()
	return nil
}

// playTunnel downloads, once somebody connects, and says how long it took.
func playTunnel(ctx context.Context, dial func(relay string, source oauth2.TokenSource) (net.Conn, error), relay, token string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	fmt.Println(l.Addr())
	asked, err := l.Accept()
	if err != nil {
		return nil
	}
	defer asked.Close()
	began := time.Now()
	c, err := dial(relay, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}))
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.CopyN(io.Discard, c, tunnelBytes-2<<20); err != nil { // of one of many, a part was read
		return err
	}
	fmt.Fprint(asked, time.Since(began))
	_ = asked.Close()
	<-ctx.Done()
	return nil
}

// playTunnels reads a little of each of many connections, and holds them.
func playTunnels(ctx context.Context, relay, token string) error {
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	all := make([]net.Conn, tunnelMany)
	return playTunnel(ctx, func(string, oauth2.TokenSource) (net.Conn, error) {
		for i := range all {
			c, err := dialOurs(relay, source)
			if err != nil {
				return nil, err
			}
			if _, err := io.CopyN(io.Discard, c, 1<<20); err != nil {
				return nil, err
			}
			all[i] = c
		}
		return all[0], nil
	}, relay, token)
}

func dialOurs(relay string, source oauth2.TokenSource) (net.Conn, error) {
	d := &tunnel.Dialer{TokenSource: source, Project: "p", Zone: "z", Relay: "ws://" + relay, InsecureLoopback: true}
	return d.Dial("tcp", "box:7")
}

// dialTheirs sends the other client, which knows Google's relay alone, to ours.
func dialTheirs(relay string, source oauth2.TokenSource) (net.Conn, error) {
	http.DefaultClient.Transport = redirected{&url.URL{Scheme: "http", Host: relay}}
	return iap.Dial(context.Background(), iap.WithProject("p"), iap.WithInstance("box", "z", "nic0"), iap.WithPort("7"), iap.WithTokenSource(&source))
}

type redirected struct{ to *url.URL }

func (t redirected) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = t.to.Scheme, t.to.Host, t.to.Host
	return http.DefaultTransport.RoundTrip(r)
}
