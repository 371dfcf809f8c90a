package tunnel_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/iap/tunnel"
	"github.com/tokentoss/tokentoss/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const robot = "robot@project.iam.gserviceaccount.com"

// A network is an emulator with one instance, and a program that listens there.
type network struct {
	e      *emulator.Emulator
	dialer *tunnel.Dialer
	port   string
}

// tokens asks the emulator's metadata server, as a program on a virtual machine does.
type tokens struct{ e *emulator.Emulator }

func (s tokens) Token() (*oauth2.Token, error) {
	req, err := http.NewRequest("GET", s.e.GoogleURL()+"/computeMetadata/v1/instance/service-accounts/default/token", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Metadata-Flavor", "Google")
	tr := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var t oauth2.Token
	return &t, json.NewDecoder(res.Body).Decode(&t)
}

// newNetwork starts serve on port 7000 of the instance "box".
func newNetwork(t testing.TB, serve func(net.Conn)) *network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	e, err := emulator.Start(t.Context(), emulator.Options{
		ServiceAccounts: []emulator.ServiceAccount{{Email: robot}},
		Instances: []emulator.Instance{
			{Project: "p", Zone: "z", Name: "box", Ports: map[int]string{7000: l.Addr().String()}},
			{Project: "p", Region: "r", Network: "n", Host: "10.0.0.7", Ports: map[int]string{7000: l.Addr().String()}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Without keep-alives, so that no idle connection is left.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(func() {
		_ = e.Close()
		_ = l.Close()
		serving.Wait()
	})
	return &network{e: e, port: "7000", dialer: &tunnel.Dialer{
		TokenSource: tokens{e}, Project: "p", Zone: "z", Relay: e.RelayURL(), InsecureLoopback: true, HTTPClient: client,
	}}
}

func echo(c net.Conn) { _, _ = io.Copy(c, c) }

func (n *network) dial(t testing.TB) *tunnel.Conn {
	t.Helper()
	c, err := n.dialer.DialContext(t.Context(), "tcp", "box:"+n.port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*tunnel.Conn)
}

func random(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// exchange writes data and reads as much back.
func exchange(t *testing.T, c net.Conn, data []byte) {
	t.Helper()
	var writing sync.WaitGroup
	writing.Go(func() {
		if _, err := c.Write(data); err != nil {
			t.Errorf("write: %v", err)
		}
	})
	back := make([]byte, len(data))
	_, err := io.ReadFull(c, back)
	writing.Wait()
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if sha256.Sum256(back) != sha256.Sum256(data) {
		t.Fatal("what came back is not what was sent")
	}
}

// An instance is reached by its name, a host of a network by its address.
func TestDialReachesInstancesAndHosts(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, echo)
	exchange(t, n.dial(t), random(t, 100_000))

	byHost := *n.dialer
	byHost.Zone, byHost.Region, byHost.Network = "", "r", "n"
	c, err := byHost.Dial("tcp", "10.0.0.7:7000")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exchange(t, c, random(t, 100))
	if got := c.RemoteAddr().String(); got != "10.0.0.7:7000" {
		t.Errorf("it says that it is connected to %s", got)
	}
}

// A connection that breaks again and again, at any byte, loses none and doubles none.
func TestBrokenLinksLoseNoByte(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]emulator.RelayFault{
		"every 300,001 bytes":      {DropAfter: 300_001},
		"within the first frame":   {DropAfter: 1},
		"with acknowledgements x2": {DropAfter: 500_000, RepeatAcks: true},
		"slow":                     {DropAfter: 200_000, Delay: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, echo)
			n.e.SetRelayFault(f)
			size := 4 << 20
			if f.DropAfter == 1 {
				size = 100_000
			}
			exchange(t, n.dial(t), random(t, size))
			if n.e.RelayResumptions() == 0 {
				t.Error("nothing was resumed")
			}
		})
	}
}

// What the other side sends after this side has written all it will is not lost.
func TestCloseWriteKeepsTheReply(t *testing.T) {
	t.Parallel()
	reply := random(t, 300_000)
	n := newNetwork(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 5))
		time.Sleep(50 * time.Millisecond) // the reply comes after the end of the input
		_, _ = c.Write(reply)
	})
	c := n.dial(t)
	if _, err := c.Write([]byte("query")); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("more")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write after CloseWrite: %v", err)
	}
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, reply) {
		t.Errorf("%d bytes of %d, %v", len(got), len(reply), err)
	}
}

// Close sends what was written before.
func TestCloseSendsWhatWasWritten(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1)
	n := newNetwork(t, func(c net.Conn) {
		b, _ := io.ReadAll(c)
		got <- b
	})
	data := random(t, 900_000)
	c := n.dial(t)
	if _, err := c.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if b := <-got; !bytes.Equal(b, data) {
		t.Errorf("%d bytes arrived of %d", len(b), len(data))
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read after Close: %v", err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a second Close: %v", err)
	}
}

// A program that does not read slows its sender down, and takes no more memory.
func TestSlowReaderSlowsTheSenderDown(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	sent := 0
	n := newNetwork(t, func(c net.Conn) {
		block := make([]byte, 64<<10)
		for {
			k, err := c.Write(block)
			mu.Lock()
			sent += k
			mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	c := n.dial(t)
	// The sender is stopped when what it has sent does not change any more.
	for last := -1; ; time.Sleep(200 * time.Millisecond) {
		mu.Lock()
		now := sent
		mu.Unlock()
		if now == last && now > 0 {
			break
		}
		last = now
	}
	mu.Lock()
	defer mu.Unlock()
	if sent > 32<<20 {
		t.Errorf("the sender could send %d bytes", sent)
	}
	_ = c.Close()
}

// The relay's codes become sentences that name what to do.
func TestCloseCodesBecomeSentences(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, echo)
	for code, want := range map[int]string{
		4003: "35.235.240.0/20", 4033: "roles/iap.tunnelResourceAccessor", 4047: "no such instance", 4051: "no such instance",
		4054: "policy of the organization", 4013: "did not understand", 4999: "ended the connection",
	} {
		n.e.SetRelayFault(emulator.RelayFault{Close: code, Reason: "no"})
		_, err := n.dialer.Dial("tcp", "box:7000")
		var ce *tunnel.CloseError
		if !errors.As(err, &ce) || ce.Code != code || ce.Reason != "no" || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), strconv.Itoa(code)) {
			t.Errorf("%d: %v; want it to say %q", code, err, want)
		}
	}
	for status, want := range map[int]string{401: "access token", 403: "policy", 404: "zone", 418: "ended"} {
		n.e.SetRelayFault(emulator.RelayFault{Status: status})
		_, err := n.dialer.Dial("tcp", "box:7000")
		if !errors.As(err, new(*tunnel.CloseError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v; want it to say %q", status, err, want)
		}
	}
	for _, status := range []int{500, 503, 429} {
		n.e.SetRelayFault(emulator.RelayFault{Status: status})
		if _, err := n.dialer.Dial("tcp", "box:7000"); !errors.Is(err, fault.Offline) {
			t.Errorf("%d: %v", status, err)
		}
	}
	n.e.SetRelayFault(emulator.RelayFault{})
	for address, want := range map[string]string{"box:7001": "nothing answers", "other:7000": "no such instance"} {
		if _, err := n.dialer.Dial("tcp", address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
	n.e.SetTunnelUsers([]string{})
	if _, err := n.dialer.Dial("tcp", "box:7000"); err == nil || !strings.Contains(err.Error(), "roles/iap.tunnelResourceAccessor") {
		t.Errorf("without the role: %v", err)
	}
}

// A relay that does not speak the protocol is an error at once, not a hang, and
// nothing of what it sent is believed.
func TestGarbageFromTheRelay(t *testing.T) {
	t.Parallel()
	big := append([]byte{0, 4, 0, 1, 0, 0}, make([]byte, 64<<10)...)
	for name, message := range map[string][]byte{
		"nothing": {}, "one byte": {1}, "text": []byte("HTTP/1.1 200 OK"), "a tag alone": {0, 1}, "a length alone": {0, 1, 0, 0, 0, 9}, "a huge length": {0, 1, 0xff, 0xff, 0xff, 0xff},
		"data first": {0, 4, 0, 0, 0, 1, 'x'}, "an acknowledgement first": {0, 7, 0, 0, 0, 0, 0, 0, 0, 0}, "a line break in the session": {0, 1, 0, 0, 0, 2, 'a', '\n'},
		"the answer to a reconnect": {0, 2, 0, 0, 0, 0, 0, 0, 0, 0}, "a large frame": big, "a very large frame": append(big, make([]byte, 1<<20)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, echo)
			n.e.SetRelayFault(emulator.RelayFault{Message: message, Only: true})
			_, err := n.dialer.Dial("tcp", "box:7000")
			if !errors.Is(err, fault.ProviderAnswer) {
				t.Errorf("%v", err)
			}
		})
	}
}

// An acknowledgement of what was never sent ends the connection.
func TestFalseAcknowledgements(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]int64{"more than was sent": 1 << 40, "wrapped around": -1 << 62} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, echo)
			n.e.SetRelayFault(emulator.RelayFault{AddToAcks: add})
			c := n.dial(t)
			go func() { _, _ = c.Write(make([]byte, 200_000)) }()
			_, err := io.Copy(io.Discard, c)
			if !errors.Is(err, fault.ProviderAnswer) {
				t.Errorf("%v", err)
			}
			_ = c.Close()
		})
	}
}

// The token goes to the relay alone: not along a redirect, and not without TLS.
func TestTheTokenGoesToTheRelayAlone(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("Authorization") }))
	defer elsewhere.Close()
	relay := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer relay.Close()
	d := tunnel.Dialer{
		TokenSource: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "SECRET"}), Project: "p", Zone: "z",
		Relay: relay.URL, InsecureLoopback: true, HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	_, err := d.Dial("tcp", "box:22")
	if !errors.Is(err, fault.ProviderAnswer) || strings.Contains(err.Error(), "SECRET") || len(seen) > 0 {
		t.Errorf("a redirect: %v, %d requests", err, len(seen))
	}
	for _, raw := range []string{"ws://relay.example", "http://relay.example", "wss://user:pw@relay.example", "relay.example", "file:///x", "ws://127.0.0.1.example"} {
		d.Relay = raw
		if _, err := d.Dial("tcp", "box:22"); !errors.Is(err, fault.BadConfig) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	d.Relay, d.InsecureLoopback = "ws://127.0.0.1:1", false
	if _, err := d.Dial("tcp", "box:22"); !errors.Is(err, fault.BadConfig) {
		t.Errorf("loopback that was not allowed: %v", err)
	}
}

// What cannot be a connection is refused before anybody is asked.
func TestBadOptionsAndAddresses(t *testing.T) {
	t.Parallel()
	good := tunnel.Dialer{TokenSource: oauth2.StaticTokenSource(nil), Project: "p", Zone: "z"}
	for name, tt := range map[string]struct {
		network, address string
		change           func(*tunnel.Dialer)
	}{
		"udp": {"udp", "box:1", nil}, "no port": {"tcp", "box", nil}, "a name for a port": {"tcp", "box:ssh", nil}, "port 0": {"tcp", "box:0", nil},
		"a large port": {"tcp", "box:65536", nil}, "no instance": {"tcp", ":22", nil},
		"no zone":                 {"tcp", "box:1", func(d *tunnel.Dialer) { d.Zone = "" }},
		"no project":              {"tcp", "box:1", func(d *tunnel.Dialer) { d.Project = "" }},
		"a zone and a region":     {"tcp", "box:1", func(d *tunnel.Dialer) { d.Region, d.Network = "r", "n" }},
		"a network and no region": {"tcp", "box:1", func(d *tunnel.Dialer) { d.Zone, d.Network = "", "n" }},
		"nobody's token":          {"tcp", "box:1", func(d *tunnel.Dialer) { d.TokenSource = nil }},
	} {
		d := good
		if tt.change != nil {
			tt.change(&d)
		}
		if _, err := d.Dial(tt.network, tt.address); !errors.Is(err, fault.BadConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Deadlines are those of any net.Conn: in the past, moved, taken away.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	c := n.dial(t)
	_ = c.SetReadDeadline(time.Now().Add(-time.Second))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("in the past: %v", err)
	}
	var ne net.Error
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("soon: %v", err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Hour))
	read := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		read <- err
	}()
	_ = c.SetReadDeadline(time.Now())
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("moved: %v", err)
	}
	_ = c.SetDeadline(time.Time{})
	if _, err := c.Write([]byte("x")); err != nil {
		t.Errorf("taken away: %v", err)
	}
}

// A connection that cannot be resumed says why, and one that was told not to try does
// not.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, echo)
	n.e.SetRelayFault(emulator.RelayFault{DropAfter: 1, Reconnect: 4001})
	c := n.dial(t)
	_, _ = c.Write([]byte("x"))
	_, err := io.ReadAll(c) // the answer may come before the link breaks
	var ce *tunnel.CloseError
	if !errors.As(err, &ce) || ce.Code != 4001 || !strings.Contains(err.Error(), "cannot resume") {
		t.Errorf("%v", err)
	}
	never := *n.dialer
	never.ReconnectTimeout = -1
	n.e.SetRelayFault(emulator.RelayFault{DropAfter: 1})
	before := n.e.RelayResumptions()
	d, err := never.Dial("tcp", "box:7000")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	_, _ = d.Write([]byte("x"))
	if b, err := io.ReadAll(d); err == nil {
		t.Errorf("a broken connection read as the end, after %q", b)
	}
	if n.e.RelayResumptions() != before {
		t.Error("it was resumed")
	}
}

// A dial ends with its context, whatever the relay does; the connection does not.
func TestTheContextBoundsTheDialAlone(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, echo)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := n.dialer.DialContext(ctx, "tcp", "box:7000")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancel()
	exchange(t, c, random(t, 1000))
	n.e.SetFault(emulator.Relay, &emulator.Fault{Hang: true})
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := n.dialer.DialContext(ctx, "tcp", "box:7000"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// Two hundred connections are open at once.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, echo)
	var all sync.WaitGroup
	open := make(chan struct{})
	var ready sync.WaitGroup
	for range 200 {
		ready.Add(1)
		all.Go(func() {
			c, err := n.dialer.Dial("tcp", "box:7000")
			ready.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			<-open
			_, _ = c.Write([]byte("hello"))
			b := make([]byte, 5)
			if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
	ready.Wait()
	close(open)
	all.Wait()
}

// DialContext fits where the standard library takes one.
func TestHTTPThroughTheTunnel(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, io.MultiReader(strings.NewReader(r.Host+" "), r.Body))
	}))
	defer s.Close()
	n := newNetwork(t, func(c net.Conn) {
		up, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			return
		}
		defer up.Close()
		go func() {
			_, _ = io.Copy(up, c)
			_ = up.(*net.TCPConn).CloseWrite()
		}()
		_, _ = io.Copy(c, up)
	})
	tr := &http.Transport{DialContext: n.dialer.DialContext}
	defer tr.CloseIdleConnections()
	for range 3 {
		res, err := (&http.Client{Transport: tr}).Post("http://box:7000/", "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(b) != "box:7000 body" {
			t.Errorf("%q", b)
		}
	}
}
