package etcd_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// long bounds what should not happen; nothing is measured by it.
const long = 2 * time.Minute

// A cluster is some members of etcd, each a process.
type cluster struct {
	members   []*member
	endpoints []string
}

type member struct {
	config memberConfig
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	ended  bool
}

// one is a cluster of one member that tests share, each with a prefix of its own.
var one struct {
	once sync.Once
	dir  string
	c    *cluster
	err  error
}

// shared returns the cluster that tests share. TestMain stops it.
func shared(t testing.TB) *cluster {
	t.Helper()
	one.once.Do(func() {
		if one.dir, one.err = os.MkdirTemp("", "tokentoss-etcd-"); one.err == nil {
			one.c, one.err = start(one.dir, 1, nil)
		}
	})
	if one.err != nil {
		t.Fatalf("start etcd: %v", one.err)
	}
	return one.c
}

func stopShared() {
	if one.c != nil {
		one.c.stop()
	}
	_ = os.RemoveAll(one.dir)
}

// newCluster starts n members for t alone.
func newCluster(t testing.TB, n int, change func(*memberConfig)) *cluster {
	t.Helper()
	c, err := start(t.TempDir(), n, change)
	if err != nil {
		t.Fatalf("start etcd: %v", err)
	}
	t.Cleanup(c.stop)
	return c
}

// start starts members that keep their data below dir, and waits until they are
// ready.
func start(dir string, n int, change func(*memberConfig)) (*cluster, error) {
	addresses, err := freeAddresses(2 * n)
	if err != nil {
		return nil, err
	}
	configs := make([]memberConfig, n)
	var all []string
	for i := range configs {
		c := &configs[i]
		c.Name = fmt.Sprintf("member-%d", i)
		c.Dir = filepath.Join(dir, c.Name)
		c.Peer, c.Client = "http://"+addresses[i], "http://"+addresses[n+i]
		if change != nil {
			change(c)
		}
		all = append(all, c.Name+"="+c.Peer)
	}
	c := &cluster{}
	for _, config := range configs {
		config.Cluster = strings.Join(all, ",")
		m, err := startMember(config)
		if err != nil {
			c.stop()
			return nil, err
		}
		c.members = append(c.members, m)
		c.endpoints = append(c.endpoints, config.Client)
	}
	for _, m := range c.members {
		if _, err := m.stdout.ReadString('\n'); err != nil {
			c.stop()
			return nil, errors.New("a member ended before it was ready")
		}
	}
	return c, nil
}

func startMember(c memberConfig) (*member, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	m := &member{config: c, cmd: exec.Command(os.Args[0])}
	m.cmd.Env = append(os.Environ(), memberEnv+"="+string(text))
	m.cmd.Stderr = os.Stderr
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.stdout = bufio.NewReader(stdout)
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return m, m.cmd.Start()
}

// freeAddresses returns addresses that were free a moment ago.
func freeAddresses(n int) ([]string, error) {
	var all []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // after all of them were chosen
		all = append(all, l.Addr().String())
	}
	return all, nil
}

// stop ends all members.
func (c *cluster) stop() {
	for _, m := range c.members {
		m.kill()
	}
}

// kill ends a member as a power cut does.
func (m *member) kill() {
	if !m.ended {
		m.ended = true
		_ = m.cmd.Process.Kill()
		_ = m.cmd.Wait()
	}
}

// restart starts all members again that were killed, and waits until they are ready.
func (c *cluster) restart(t testing.TB) {
	t.Helper()
	for i, m := range c.members {
		m.config.Existed = true
		again, err := startMember(m.config)
		must(t, err)
		c.members[i] = again
	}
	for _, m := range c.members {
		_, err := m.stdout.ReadString('\n')
		must(t, err)
	}
}

// leader returns the member that leads.
func (c *cluster) leader(t testing.TB) *member {
	t.Helper()
	client := c.client(t)
	for i, endpoint := range c.endpoints {
		if c.members[i].ended {
			continue
		}
		if resp, err := client.Status(bounded(t), endpoint); err == nil && resp.Leader == resp.Header.MemberId {
			return c.members[i]
		}
	}
	t.Fatal("no member leads")
	return nil
}

// isolate has m and the other members hear nothing of each other.
func (m *member) isolate(t testing.TB) {
	t.Helper()
	_, err := io.WriteString(m.stdin, "isolate\n")
	must(t, err)
	_, err = m.stdout.ReadString('\n')
	must(t, err)
}

// client returns a client that the test looks into etcd with.
func (c *cluster) client(t testing.TB) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: c.endpoints, Logger: zap.NewNop(), DialTimeout: long})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
