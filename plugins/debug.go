package plugins

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-plugin"

	"github.com/tokentoss/tokentoss/plugins/environment"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
)

// debug serves the plugin to a tokentoss that did not start this process, and returns
// the exit code. The connection is a socket in a directory that only the user can enter.
func (p Plugin) debug(stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "tt-debug-")
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv(plugin.EnvUnixSocketDir, dir); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	config := p.serveConfig(newLogger(stderr))
	attach, closed := make(chan *plugin.ReattachConfig, 1), make(chan struct{})
	config.Test = &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: attach, CloseCh: closed}
	go plugin.Serve(config)
	select {
	case r := <-attach:
		value, err := json.Marshal(map[string]environment.Reattach{
			p.Name: {Network: r.Addr.Network(), Address: r.Addr.String(), Protocol: handshake.Protocol},
		})
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		fmt.Fprintf(stdout, "%s='%s'\n", environment.ReattachVariable, value)
		fmt.Fprintf(stderr, "%s %s waits for a tokentoss in whose environment that is set; end it with Ctrl-C\n", p.Name, p.Version)
	case <-closed:
		fmt.Fprintln(stderr, "the plugin cannot listen")
		return 1
	}
	<-closed
	return 0
}
