// Package handshake is what the two sides of a plugin agree on before they talk.
package handshake

import (
	"context"
	"os"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Protocol is the version of plugins/proto. A host knows this one and, once there
// is one, the one before it.
const Protocol = 1

// Name is the one entry of a plugin's set. What a plugin is, it says itself.
const Name = "tokentoss"

// MaxMessage bounds what one side takes from the other in a message, in bytes.
// The largest document of the file store has a quarter of it.
const MaxMessage = 4 << 20

// Config tells a process that it was started as a plugin of tokentoss's. It is no
// secret and no protection.
var Config = plugin.HandshakeConfig{
	MagicCookieKey:   "TOKENTOSS_PLUGIN_COOKIE",
	MagicCookieValue: "c1a3b5e0-tokentoss-plugin",
}

// Started tells whether this process was started as a plugin.
func Started() bool { return os.Getenv(Config.MagicCookieKey) == Config.MagicCookieValue }

// A Plugin connects the services of tokentoss with the library.
type Plugin struct {
	plugin.NetRPCUnsupportedPlugin

	// Register adds the services on the plugin's side.
	Register func(*grpc.Server)
}

var _ plugin.GRPCPlugin = (*Plugin)(nil)

// GRPCServer implements [plugin.GRPCPlugin].
func (p *Plugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	p.Register(s)
	return nil
}

// GRPCClient implements [plugin.GRPCPlugin]. It gives the connection, over which
// package host speaks.
func (p *Plugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}
