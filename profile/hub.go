package profile

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/jupyterhub"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// hubName is the file that remembers the OAuth client of the hub, so that its service
// is asked for it once. There is no secret in it.
const hubName = "jupyterhub.json"

// hubTimeout bounds the question whether the hub has the service.
const hubTimeout = 5 * time.Second

// A hubFile is what hubName has.
type hubFile struct {
	Service string            `json:"service"`
	Client  jupyterhub.Client `json:"client"`
}

// hub returns the client of the JupyterHub on whose server this is, for a profile that
// has none of its own, and the flow that goes by its service. Without such a service it
// returns nil, and the flow that there was.
func (p *Profile) hub(usual core.FlowFunc, o Options) (*oidc.Client, core.FlowFunc) {
	s, err := jupyterhub.Find(os.Getenv)
	if s == nil && err == nil {
		return nil, usual
	}
	var client *oidc.Client
	if err == nil {
		client, err = p.hubClient(s)
	}
	if err != nil {
		if p.log != nil && !errors.Is(err, fault.NotFound) {
			p.log.Warn("the hub's service is not used", slog.Any("error", err))
		}
		return nil, usual
	}
	p.Hub = s.URL
	auth := p.authOptions(o)
	auth.Receiver = s
	return client, func(c *oidc.Client) core.Flow {
		if c.ID == client.ID {
			return authcode.New(auth)(c)
		}
		return usual(c) // of one that a person configured since
	}
}

// hubClient returns the client that the service said before, or else says now.
func (p *Profile) hubClient(s *jupyterhub.Service) (*oidc.Client, error) {
	path := filepath.Join(p.Dir, hubName)
	s.Forget = func() { _ = os.Remove(path) }
	var known hubFile
	if data, _, err := privatefile.Read(path); err == nil && json.Unmarshal(data, &known) == nil && known.Service == s.URL {
		s.Client = known.Client
		if client, err := s.OAuthClient(p.provider()); err == nil {
			return client, nil
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), hubTimeout)
	defer cancel()
	var err error
	if s.Client, err = s.Ask(ctx); err != nil {
		return nil, err
	}
	client, err := s.OAuthClient(p.provider())
	if err != nil {
		return nil, err
	}
	if data, err := json.Marshal(hubFile{s.URL, s.Client}); err == nil && privatefile.MakeDir(p.Dir, true) == nil {
		_ = privatefile.Replace(path, data) // else it is asked again
	}
	return client, nil
}
