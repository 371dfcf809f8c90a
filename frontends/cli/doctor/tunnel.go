package doctor

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"

	"github.com/tokentoss/tokentoss/core/iap/tunnel"
)

// A TunnelTarget is a port that is to be reached through IAP's TCP forwarding.
type TunnelTarget struct {
	Dialer *tunnel.Dialer
	Host   string // the name of an instance, or the address of a host
	Port   int
}

// tunnel tells whether the port is reached.
func (e *examination) tunnel(ctx context.Context) {
	t, d := e.Tunnel, e.Tunnel.Dialer
	facts := Facts{
		"profile": e.Profile.Name, "scope": tunnel.Scope, "email": e.status.Email, "member": "user:" + e.status.Email,
		"project": d.Project, "instance": t.Host, "port": strconv.Itoa(t.Port), "place": "zone " + d.Zone, "relay": "tunnel.cloudproxy.app",
	}
	if d.Zone == "" {
		facts["place"] = "network " + d.Network
	}
	if !slices.Contains(e.status.Scopes, tunnel.Scope) {
		e.add(diagnosed(codeTunnelScope, facts, ""))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(t.Host, facts["port"]))
	if err == nil {
		_ = c.Close()
		e.add(passed(Tunnel, "port %d of %s answers", t.Port, t.Host))
		return
	}
	e.add(diagnosed(tunnelCode(err), facts, err.Error()))
}

// tunnelCode is the diagnosis of a connection that was not made.
func tunnelCode(err error) Code {
	var refused *tunnel.CloseError
	switch {
	case errors.Is(err, context.DeadlineExceeded): // the relay waits for the instance
		return codeTunnelFirewall
	case !errors.As(err, &refused):
		return codeTunnelRelay
	case refused.NotAuthorized():
		return codeTunnelRole
	case refused.Prohibited():
		return codeTunnelPolicy
	case refused.NotFound():
		return codeTunnelInstance
	case refused.NotConnected():
		return codeTunnelPort
	}
	return codeTunnelRelay
}
