package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/signin"
	"github.com/tokentoss/tokentoss/profile"
)

// initializeParams are those of initialize. Others may come with a later protocol,
// whose version is to be refused before they are.
type initializeParams struct {
	Protocol string `json:"protocol"`
	Client   struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"client"`
}

type initializeResult struct {
	Protocol   string `json:"protocol"`
	Widget     string `json:"widget"`
	Version    string `json:"version"`
	ConfigDir  string `json:"config_dir"`
	RemoteHint bool   `json:"remote_hint"`
}

func (s *server) initialize(data json.RawMessage) (any, error) {
	var p initializeParams
	switch {
	case len(data) == 0 || json.Unmarshal(data, &p) != nil:
		return nil, misuse(codeInvalidParams, "params of initialize are an object with protocol and client")
	case s.ready:
		return nil, misuse(codeInvalidRequest, "initialize comes once")
	case p.Protocol != Protocol:
		const hint = "install the tokentoss and the client of one release"
		return nil, failure("version_mismatch", plain(fmt.Sprintf(
			"this tokentoss (%s) speaks %s, and the client %q: %s", s.host.Version, Protocol, cut(p.Protocol), hint)), hint)
	}
	s.ready = true
	s.host.Log.Debug("the client is here", "name", plain(cut(p.Client.Name)), "version", plain(cut(p.Client.Version)))
	return initializeResult{
		Protocol: Protocol, Widget: fmt.Sprintf("tokentoss.widget/%d", signin.Version), Version: s.host.Version,
		ConfigDir: s.host.Dir, RemoteHint: s.host.RemoteHint,
	}, nil
}

// cut shortens a name of the client's.
func cut(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60])
	}
	return text
}

// A session is an open profile with its views.
type session struct {
	id         string
	profile    *profile.Profile
	clientFile string // that the client named
	views      *views
}

// client is where the OAuth client is.
func (o *session) client() string {
	if o.clientFile != "" {
		return o.clientFile
	}
	return o.profile.ClientFileNow()
}

// close ends the views, then the session.
func (o *session) close() error {
	o.views.close()
	return o.profile.Close()
}

type openResult struct {
	Session    string      `json:"session"`
	Status     core.Status `json:"status"`
	Problem    *Problem    `json:"problem,omitempty"`
	Profile    string      `json:"profile"`
	Store      string      `json:"store"`
	Location   string      `json:"location,omitempty"`
	Protection string      `json:"protection,omitempty"`
	ClientFile string      `json:"client_file,omitempty"`
}

func (s *server) open(ctx context.Context, data json.RawMessage) (any, error) {
	p, err := params[openParams](data)
	if err != nil {
		return nil, err
	}
	options, err := p.options(ctx, s.host)
	if err != nil {
		return nil, err
	}
	opened, err := profile.Open(options)
	if err != nil {
		return nil, err
	}
	result, err := describe(ctx, opened)
	if err == nil {
		var o *session
		if o, err = s.add(opened); err == nil {
			if p.Client != nil {
				o.clientFile = p.Client.File
			}
			result.Session, result.ClientFile = o.id, o.client()
			return result, nil
		}
	}
	return nil, errors.Join(err, opened.Close())
}

// describe returns what there is. A session that a sign-in sets aside is as good
// as none, and a problem.
func describe(ctx context.Context, p *profile.Profile) (openResult, error) {
	status, err := p.Status(ctx)
	r := openResult{Status: status, Profile: p.Name, Store: p.Store, Location: p.Location(), Protection: p.Protection()}
	if errors.Is(err, core.ErrInsecure) || errors.Is(err, core.ErrCorrupt) || errors.Is(err, core.ErrTooLarge) {
		r.Problem = problemOf(err)
		r.Status.Reason = r.Problem.Message
		return r, nil
	}
	return r, err
}

// add adds a session.
func (s *server) add(p *profile.Profile) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return nil, context.Canceled
	case len(s.sessions) >= maxSessions:
		return nil, failure("unavailable", fmt.Sprintf("%d sessions are open already", maxSessions), "close some")
	}
	s.last++
	o := &session{id: fmt.Sprintf("s%d", s.last), profile: p}
	o.views = newViews(s, o)
	s.sessions[o.id] = o
	return o, nil
}

// sessionParams are those of requests about a session.
type sessionParams struct {
	Session string `json:"session"`
}

// find returns an open session.
func (s *server) find(id string) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.sessions[id]; ok {
		return o, nil
	}
	return nil, failure("unknown_session", "there is no such session: it was closed, or never open", "")
}

func (s *server) close(_ context.Context, data json.RawMessage) (any, error) {
	p, err := params[sessionParams](data)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	o, ok := s.sessions[p.Session]
	delete(s.sessions, p.Session)
	s.mu.Unlock()
	if !ok {
		_, err := s.find(p.Session)
		return nil, err
	}
	return struct{}{}, o.close()
}

func (s *server) status(ctx context.Context, data json.RawMessage) (any, error) {
	p, err := params[sessionParams](data)
	if err != nil {
		return nil, err
	}
	o, err := s.find(p.Session)
	if err != nil {
		return nil, err
	}
	return o.profile.Status(ctx)
}

// configureParams are those of session.configure.
type configureParams struct {
	Session      string      `json:"session"`
	ClientID     string      `json:"client_id"`
	ClientSecret core.Secret `json:"client_secret"`
	ProjectID    string      `json:"project_id"`
	File         string      `json:"file"`
}

type configureResult struct {
	ClientFile string      `json:"client_file,omitempty"`
	Status     core.Status `json:"status"`
}

func (s *server) configure(ctx context.Context, data json.RawMessage) (any, error) {
	p, err := params[configureParams](data)
	if err != nil {
		return nil, err
	}
	o, err := s.find(p.Session)
	if err != nil {
		return nil, err
	}
	given := clientParam{ClientID: p.ClientID, ClientSecret: p.ClientSecret, ProjectID: p.ProjectID, File: p.File}
	client, err := given.read()
	if err != nil {
		return nil, err
	}
	if err := o.profile.Configure(ctx, client); err != nil {
		return nil, err
	}
	status, err := o.profile.Status(ctx)
	return configureResult{ClientFile: o.client(), Status: status}, err
}

// signOutParams are those of session.sign_out.
type signOutParams struct {
	Session string `json:"session"`
	Local   bool   `json:"local"`
}

func (s *server) signOut(ctx context.Context, data json.RawMessage) (any, error) {
	p, err := params[signOutParams](data)
	if err != nil {
		return nil, err
	}
	o, err := s.find(p.Session)
	if err != nil {
		return nil, err
	}
	if p.Local {
		return struct{}{}, o.profile.Forget(ctx)
	}
	return struct{}{}, o.profile.SignOut(ctx)
}

// tokenParams are those of session.token.
type tokenParams struct {
	Session string  `json:"session"`
	Kind    string  `json:"kind"`
	Stale   *uint64 `json:"stale"`
}

// The kinds of tokens.
const (
	kindID     = "id"
	kindAccess = "access"
)

type tokenResult struct {
	Token      string    `json:"token"`
	Kind       string    `json:"kind"`
	Expiry     time.Time `json:"expiry"`
	IssuedAt   time.Time `json:"issued_at"`
	Issuer     string    `json:"issuer"`
	Audience   string    `json:"audience"`
	Email      string    `json:"email"`
	Subject    string    `json:"subject"`
	Generation uint64    `json:"generation"`
	Lent       *lent     `json:"lent,omitempty"`
}

// A lent token is of a session that another machine lends, for its targets alone.
type lent struct {
	Host    string   `json:"host"`
	Targets []string `json:"targets"`
}

func (s *server) token(ctx context.Context, data json.RawMessage) (any, error) {
	p, err := params[tokenParams](data)
	if err != nil {
		return nil, err
	}
	if p.Kind != "" && p.Kind != kindID && p.Kind != kindAccess {
		return nil, misuse(codeInvalidParams, `params: kind is "id" or "access"`)
	}
	o, err := s.find(p.Session)
	if err != nil {
		return nil, err
	}
	t, err := newer(ctx, o.profile, p.Stale)
	if err != nil {
		return nil, err
	}
	r := tokenResult{
		Token: t.Value.Reveal(), Kind: kindID, Expiry: t.Expiry.UTC(), IssuedAt: t.IssuedAt.UTC(), Issuer: t.Issuer,
		Audience: t.Audience, Email: t.Email, Subject: t.Subject, Generation: t.Generation,
	}
	if f := o.profile.Forwarded; f != nil {
		r.Lent = &lent{f.Host, f.Targets}
	}
	if p.Kind == kindAccess {
		// What else is said is that of the ID token which came with it.
		access, err := o.profile.AccessToken(ctx)
		if err != nil {
			return nil, err
		}
		r.Kind, r.Token = kindAccess, access.Reveal()
	}
	return r, nil
}

// newer returns a token of another generation than stale. However many ask for one,
// there is one refresh.
func newer(ctx context.Context, app core.App, stale *uint64) (core.IDToken, error) {
	t, err := app.IDToken(ctx)
	if err != nil || stale == nil || t.Generation != *stale {
		return t, err
	}
	return app.Renew(ctx, t)
}
