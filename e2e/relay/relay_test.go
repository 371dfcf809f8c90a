// Package relay_test holds the emulator's relay of TCP forwarding against a client that
// others wrote, github.com/cedws/iapc, and our client against that.
package relay_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/cedws/iapc/iap"
	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core/iap/tunnel"
	"github.com/tokentoss/tokentoss/emulator"
)

const robot = "robot@project.iam.gserviceaccount.com"

// toEmulator sends what is for Google's relay to the emulator. The other client knows
// no other address.
type toEmulator struct{ base *url.URL }

func (t toEmulator) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = t.base.Scheme, t.base.Host, t.base.Host
	return http.DefaultTransport.RoundTrip(r)
}

func TestRelayServesAnotherClient(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	e, err := emulator.Start(t.Context(), emulator.Options{
		ServiceAccounts: []emulator.ServiceAccount{{Email: robot}},
		Instances:       []emulator.Instance{{Project: "p", Zone: "z", Name: "box", Ports: map[int]string{7: l.Addr().String()}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	base, err := url.Parse(e.GoogleURL())
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.Transport = toEmulator{base}
	t.Cleanup(func() { http.DefaultClient.Transport = nil })
	token, err := e.AccessToken(robot, tunnel.Scope)
	if err != nil {
		t.Fatal(err)
	}
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})

	theirs := func() (net.Conn, error) {
		return iap.Dial(context.Background(), iap.WithProject("p"), iap.WithInstance("box", "z", "nic0"), iap.WithPort("7"), iap.WithTokenSource(&source))
	}
	ours := func() (net.Conn, error) {
		d := &tunnel.Dialer{TokenSource: source, Project: "p", Zone: "z", Relay: e.RelayURL(), InsecureLoopback: true}
		return d.Dial("tcp", "box:7")
	}
	for name, dial := range map[string]func() (net.Conn, error){"iapc": theirs, "ours": ours} {
		t.Run(name, func(t *testing.T) {
			c, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			data := make([]byte, 8<<20)
			if _, err := rand.Read(data); err != nil {
				t.Fatal(err)
			}
			var writing sync.WaitGroup
			writing.Go(func() {
				if _, err := c.Write(data); err != nil {
					t.Errorf("write: %v", err)
				}
			})
			back := make([]byte, len(data))
			_, err = io.ReadFull(c, back)
			writing.Wait()
			if err != nil || sha256.Sum256(back) != sha256.Sum256(data) {
				t.Errorf("what came back is not what was sent: %v", err)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		e.SetTunnelUsers([]string{})
		c, err := theirs()
		if err == nil {
			_, err = io.ReadAll(c)
			_ = c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "4033") {
			t.Errorf("%v", err)
		}
	})
}
