package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/profile"
)

// openUnbound opens a store whose documents need not be bound to its key. It is opened
// here and not by the agent, which must never have such a store.
func (in *Invocation) openUnbound(ctx context.Context, config *profile.Config, store, name string) (core.TokenStore, error) {
	if !in.interactive() || !isTerminal(in.Stdin) || !isTerminal(in.Stderr) {
		return nil, usagef("run it in a terminal, or sign in again", "store migrate: --accept-unbound asks a person whose session it is")
	}
	return profile.OpenStore(config, store, name, profile.Options{OpenStore: func(name string, p profile.Place) (core.TokenStore, error) {
		p.Settings = maps.Clone(p.Settings)
		if p.Settings == nil {
			p.Settings = map[string]any{}
		}
		p.Settings[profile.UnboundSetting] = true
		return in.full.OpenStore(ctx, in, name, p)
	}})
}

// accept shows whose session a document is that nobody knows the writer of, and asks
// whether it is the person's.
func (m *migration) accept(ctx context.Context, key string, record core.Record) error {
	account, client, err := sessionOf(record.Data)
	if err != nil {
		return err
	}
	in := m.in
	in.say.say("the session of profile %s is not bound to your key, so that anybody may have written it", oneLine(key))
	in.say.say("account: %s", oneLine(account))
	in.say.say("OAuth client: %s", oneLine(client))
	if m.lines == nil {
		m.lines = readLines(in.Stdin)
	}
	fmt.Fprintf(in.Stderr, "%sare both yours? [y/N] ", prefix)
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case line := <-m.lines:
		if answer := strings.ToLower(strings.TrimSpace(line)); answer == "y" || answer == "yes" {
			return nil
		}
	}
	return &hintedError{errors.New("it was left as it is"), "tokentoss login"}
}

// sessionOf returns whose a session is, and whose client's, by the ID token in it. What
// the document says beside it is nothing that anybody goes by later; one that says
// something else was made to deceive who looks at it.
func sessionOf(data []byte) (account, client string, err error) {
	var session struct {
		IDToken core.Secret `json:"id_token"`
		Email   string      `json:"user_email"`
		Client  string      `json:"client_id"`
	}
	if err := json.Unmarshal(data, &session); err != nil {
		return "", "", fmt.Errorf("%w: it is not a session", core.ErrCorrupt)
	}
	claims, err := oidc.ParseClaims(session.IDToken)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("%w: it is not a session: %w", core.ErrCorrupt, err)
	case claims.Email == "": // a provider may leave it out when it refreshes a token
		claims.Email = session.Email
	case session.Email != "" && !strings.EqualFold(session.Email, claims.Email):
		return "", "", fmt.Errorf("%w: it says that it is %s's, and its ID token is %s's", core.ErrCorrupt, oneLine(session.Email), oneLine(claims.Email))
	}
	if session.Client == "" && len(claims.Audience) > 0 {
		session.Client = claims.Audience[0]
	}
	if !slices.Contains(claims.Audience, session.Client) {
		return "", "", fmt.Errorf("%w: its ID token is for another client than %s", core.ErrCorrupt, oneLine(session.Client))
	}
	return claims.Account(), session.Client, nil
}

// bind saves a document that is not bound where it is, so that it is.
func (m *migration) bind(ctx context.Context, key string) error {
	waiting, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	if core.CapabilitiesOf(m.to).Locking {
		lease, err := core.Full(m.to).Lock(waiting, key)
		if err != nil {
			return err
		}
		defer lease.Release()
	}
	if _, err := m.to.Load(ctx, key); !errors.Is(err, core.ErrCorrupt) {
		return err // none, if it is bound already
	}
	record, err := m.load(ctx, key)
	if err != nil {
		return err
	}
	_, err = m.to.Save(ctx, key, record)
	return err
}

// load returns a document to copy, also one that is not bound if the person says so.
func (m *migration) load(ctx context.Context, key string) (core.Record, error) {
	record, err := m.from.Load(ctx, key)
	if m.unbound == nil || !errors.Is(err, core.ErrCorrupt) {
		return record, err
	}
	if record, err = m.unbound.Load(ctx, key); err != nil {
		return record, err
	}
	return record, m.accept(ctx, key, record)
}
