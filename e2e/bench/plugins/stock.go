package main

import (
	"context"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tokentoss/tokentoss/core"
)

// stockHandshake is that of go-plugin's own example of a store, examples/grpc.
var stockHandshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BASIC_PLUGIN", MagicCookieValue: "hello"}

const (
	stockName = "kv_grpc"
	stockGet  = "/proto.KV/Get"
)

// A stockPlugin is the store of that example, but for what it reads from.
type stockPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	store core.TokenStore
}

// GRPCServer implements [plugin.GRPCPlugin].
func (p *stockPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "proto.KV", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{MethodName: "Get", Handler: p.get}}}, p)
	return nil
}

// get is what protoc-gen-go-grpc generates, and the method.
func (p *stockPlugin) get(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	key := new(wrapperspb.StringValue)
	if err := decode(key); err != nil {
		return nil, err
	}
	r, err := p.store.Load(ctx, key.GetValue())
	return wrapperspb.Bytes(r.Data), err
}

// GRPCClient implements [plugin.GRPCPlugin].
func (p *stockPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

func serveStock(store core.TokenStore) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: stockHandshake, Plugins: plugin.PluginSet{stockName: &stockPlugin{store: store}}, GRPCServer: plugin.DefaultGRPCServer,
	})
}

// openStock starts the stock plugin as go-plugin's documentation says. Its log is off.
func openStock(self, dir string) (load func(context.Context) error, end func(), err error) {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: stockHandshake, Plugins: plugin.PluginSet{stockName: &stockPlugin{}},
		Cmd: exec.Command(self, dir), AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true,
		Logger: hclog.NewNullLogger(),
	})
	protocol, err := client.Client()
	if err != nil {
		client.Kill()
		return nil, nil, err
	}
	raw, err := protocol.Dispense(stockName)
	if err != nil {
		client.Kill()
		return nil, nil, err
	}
	conn := raw.(*grpc.ClientConn)
	return func(ctx context.Context) error {
		return conn.Invoke(ctx, stockGet, wrapperspb.String(core.DefaultKey), new(wrapperspb.BytesValue))
	}, client.Kill, nil
}
