package profile

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/stores/memory"
)

// borrow takes the session that another machine lends to this one, if there is one. It
// serves a profile that has no OAuth client of its own. Its tokens are kept in memory
// alone: they end with what lends them.
func (p *Profile) borrow() *core.Machine {
	c, err := forward.Find(context.Background())
	switch {
	case errors.Is(err, fault.NotFound):
		return nil
	case err != nil: // one that cannot be used, rather than none
		p.store = memory.New()
		return &core.Machine{Name: err.Error(), Flow: noFlow{err}}
	}
	p.Forwarded, p.lender, p.store = &c.Hello, c, memory.New()
	p.Settings.Targets = c.Hello.Targets
	name := c.Hello.Email + ", forwarded from " + c.Hello.Host
	if c.Hello.Requests {
		name += ", where requests are made"
	}
	return &core.Machine{
		Name: name, Issuer: c.Hello.Issuer, Audience: c.Hello.Client, Flow: c.Flow(),
	}
}

// noFlow is that of a session that cannot be used.
type noFlow struct{ err error }

// SignIn implements [core.Flow].
func (f noFlow) SignIn(context.Context, core.Prompter) (*core.Token, error) { return nil, f.err }

// Requests returns what makes requests where the session is, for [iap.Options]. It is nil
// unless another machine lends the session without giving tokens.
func (p *Profile) Requests() http.RoundTripper {
	if p.lender == nil {
		return nil
	}
	return p.lender.Requests()
}

// Lender is the client of the socket by which another machine lends the session, or nil.
func (p *Profile) Lender() *forward.Client { return p.lender }

// CheckLent refuses URLs that a session which another machine lends is not lent for. One
// of this machine is not looked at.
func (p *Profile) CheckLent(urls ...string) error {
	if p.Forwarded == nil {
		return nil
	}
	lent := iap.Options{Origins: p.Forwarded.Targets, InsecureLoopback: p.Settings.InsecureLoopback}
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil {
			continue // which no transport takes
		}
		ok, err := lent.Allows(u)
		if err != nil {
			return &SettingError{Key: "targets", Err: err}
		}
		if !ok {
			service := (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
			return &fault.Error{
				Subject: service, Kind: fault.Refused, Problem: "the session is lent for " + strings.Join(p.Forwarded.Targets, ", ") + " alone",
				Remedy: fault.Say("lend it for %s, too, on %s", service, p.Forwarded.Host),
			}
		}
	}
	return nil
}
