package tunnel_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"golang.org/x/crypto/ssh"

	"github.com/tokentoss/tokentoss/core/iap/tunnel"
	"github.com/tokentoss/tokentoss/emulator"
)

// A web server on an instance without a public address, by an http.Client.
func ExampleDialer_DialContext() {
	server := serve(func(l net.Listener) error {
		return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello from ", r.Host) }))
	})
	defer server.Close()
	relay := relayTo("web", 80, server)
	defer relay.Close()

	// Of real instances, Relay and InsecureLoopback are left out, and TokenSource is that
	// of the program's credentials.
	dialer := &tunnel.Dialer{TokenSource: tokens{relay}, Project: "p", Zone: "z", Relay: relay.RelayURL(), InsecureLoopback: true}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}

	res, err := client.Get("http://web:80/")
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	fmt.Println(string(body))
	// Output: hello from web:80
}

// A command on an instance, by package x/crypto/ssh.
func ExampleDialer_ssh() {
	server := serve(sshServer)
	defer server.Close()
	relay := relayTo("box", 22, server)
	defer relay.Close()
	dialer := &tunnel.Dialer{TokenSource: tokens{relay}, Project: "p", Zone: "z", Relay: relay.RelayURL(), InsecureLoopback: true,
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}

	conn, err := dialer.Dial("tcp", "box:22")
	if err != nil {
		log.Fatal(err)
	}
	c, channels, requests, err := ssh.NewClientConn(conn, "box:22", &ssh.ClientConfig{
		User: "ada", HostKeyCallback: ssh.FixedHostKey(hostKey.PublicKey()),
	})
	if err != nil {
		log.Fatal(err)
	}
	client := ssh.NewClient(c, channels, requests)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		log.Fatal(err)
	}
	out, err := session.Output("hostname")
	fmt.Printf("%s %v\n", out, err)
	// Output: box <nil>
}

// serve runs a server on a loopback address.
func serve(run func(net.Listener) error) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = run(l) }()
	return l
}

// relayTo starts an emulator, whose relay reaches a server as a port of an instance.
func relayTo(instance string, port int, server net.Listener) *emulator.Emulator {
	e, err := emulator.Start(context.Background(), emulator.Options{
		ServiceAccounts: []emulator.ServiceAccount{{Email: robot}},
		Instances:       []emulator.Instance{{Project: "p", Zone: "z", Name: instance, Ports: map[int]string{port: server.Addr().String()}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	return e
}

var hostKey = func() ssh.Signer {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		log.Fatal(err)
	}
	return signer
}()

// sshServer lets anybody in, and answers every command with the name of the machine.
func sshServer(l net.Listener) error {
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(hostKey)
	raw, err := l.Accept()
	if err != nil {
		return err
	}
	_, channels, requests, err := ssh.NewServerConn(raw, config)
	if err != nil {
		return err
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return err
		}
		for r := range requests {
			_ = r.Reply(r.Type == "exec", nil)
			if r.Type == "exec" {
				_, _ = io.WriteString(channel, "box")
				_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{}))
				_ = channel.Close()
			}
		}
	}
	return nil
}
