package host

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/environment"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
)

// reattach returns a connection to the plugin of that name which its author runs under
// a debugger, if [environment.ReattachVariable] names one.
func (h *Host) reattach(name string) (conn *grpc.ClientConn, ok bool, err error) {
	text := os.Getenv(environment.ReattachVariable)
	if text == "" {
		return nil, false, nil
	}
	var list map[string]environment.Reattach
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil, false, reattachError("it is not what a plugin prints that is run with the argument debug")
	}
	at, ok := list[name]
	switch {
	case !ok:
		return nil, false, nil
	case at.Protocol != handshake.Protocol:
		return nil, false, reattachError("the plugin " + name + " has another version of the protocol")
	case at.Network != "unix":
		return nil, false, reattachError("the plugin " + name + " does not listen on a socket of this machine")
	}
	conn, err = grpc.NewClient("unix:"+at.Address, append(handshake.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	return conn, true, err
}

func reattachError(problem string) error {
	return &fault.Error{
		Subject: environment.ReattachVariable, Problem: problem, Kind: fault.BadConfig,
		Remedy: fault.Say("set %s to what the plugin prints, or unset it", environment.ReattachVariable),
	}
}

// describeReattached asks a plugin that runs already what it is.
func (h *Host) describeReattached(name string) (d plugins.Description, ok bool, err error) {
	conn, ok, err := h.reattach(name)
	if !ok {
		return d, false, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	m, err := pb.NewPluginServiceClient(conn).Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		return d, true, reattachError("the plugin " + name + " does not answer: does it still run?")
	}
	return description(m), true, nil
}
