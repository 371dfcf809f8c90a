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

// window is the flow-control window of the connection and of each call, in bytes:
// more than a message has. A fixed one keeps gRPC from measuring the connection,
// which costs a round trip of its own beside nearly each call.
const window = 2 * MaxMessage

// workers serve calls in turn, whose stacks have grown by then: to grow one costs a tenth
// of a short call. Where all are busy, a call gets a goroutine of its own.
const workers = 4

// ServerOptions are those of the plugin's side.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(MaxMessage), grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(window),
		grpc.NumStreamWorkers(workers),
	}
}

// DialOptions are those of the host's side.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage)),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window),
	}
}

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
