package profile

import (
	"context"
	"errors"
	"log/slog"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/stores/memory"
)

// borrow takes the session that another machine lends to this one, if there is one. It
// serves a profile that has no OAuth client of its own. Its tokens are kept in memory
// alone: they end with what lends them.
func (p *Profile) borrow() *core.Machine {
	c, err := forward.Find(context.Background())
	if err != nil {
		if p.log != nil && !errors.Is(err, fault.NotFound) {
			p.log.Warn("a forwarded session is not used", slog.Any("error", err))
		}
		return nil
	}
	p.Forwarded, p.store = &c.Hello, memory.New()
	p.Settings.Targets = c.Hello.Targets
	return &core.Machine{
		Name: c.Hello.Email + ", forwarded from " + c.Hello.Host, Issuer: c.Hello.Issuer, Audience: c.Hello.Client, Flow: c.Flow(),
	}
}
