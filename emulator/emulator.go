package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
)

// Emulator is a running Google and IAP. All its methods are safe for concurrent use.
type Emulator struct {
	opts      Options
	google    *site
	iap       *site
	iapOwn    Client // IAP's own client, for people in a browser
	app       http.Handler
	idle      func()     // closes connections to the upstream that wait for work
	authority *authority // nil without TLS
	ledger    ledger
	settings  settings
	keys      keys
	grants    grants
	pages     pages
	devices   devices
	visitors  visitors
	relays    relays

	serviceKeys serviceKeys

	unwatch func() bool
	once    sync.Once
	err     error
}

// Start listens on both sides and serves until [Emulator.Close] is called or ctx ends.
func Start(ctx context.Context, opts Options) (*Emulator, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("emulator: start: %w", err)
	}
	e := &Emulator{opts: opts}
	e.settings.knobs = opts.knobs()
	if err := e.keys.rotate(); err != nil {
		return nil, err
	}
	if opts.TLS {
		if e.authority, err = newAuthority(opts.certified()); err != nil {
			return nil, err
		}
	}
	if e.google, err = listen(ctx, opts.Listen, e.tlsConfig()); err != nil {
		return nil, err
	}
	iapAddress := opts.IAPListen
	if iapAddress == "" {
		iapAddress = net.JoinHostPort(e.google.host, "0")
	}
	if e.iap, err = listen(ctx, iapAddress, e.tlsConfig()); err != nil {
		return nil, errors.Join(err, e.google.listener.Close())
	}
	e.iapOwn = Client{
		ID: opts.IAPClientID, Secret: randomToken(21),
		Type: Web, RedirectURIs: []string{e.iap.url + opts.Guard.callback()},
	}
	e.app, e.idle = e.guarded()
	e.google.serve(e.googleHandler(), opts.Logger)
	e.iap.serve(e.iapHandler(), opts.Logger)
	e.unwatch = context.AfterFunc(ctx, e.shutdown)
	return e, nil
}

// Close stops both servers, drops every connection and waits for what ran. Calling it again is harmless.
func (e *Emulator) Close() error {
	e.unwatch()
	e.shutdown()
	return e.err
}

func (e *Emulator) shutdown() {
	e.once.Do(func() {
		e.err = errors.Join(e.google.close(), e.iap.close())
		e.relays.close()
		e.idle()
	})
}

// GoogleURL returns the base URL of Google's side, without a slash at the end.
func (e *Emulator) GoogleURL() string { return e.google.url }

// IAPURL returns the base URL of IAP's side, without a slash at the end.
func (e *Emulator) IAPURL() string { return e.iap.url }

// Issuer returns the iss of the ID tokens. It is [Emulator.GoogleURL], with a slash where the [Provider] wants it.
func (e *Emulator) Issuer() string {
	if e.provider().IssuerSlash {
		return e.google.url + "/"
	}
	return e.google.url
}

// AssertionAudience returns the aud of IAP's signed header.
func (e *Emulator) AssertionAudience() string { return e.opts.AssertionAudience }

// AssertionKeysURL returns where the keys of IAP's signed header are, as a JWK set.
func (e *Emulator) AssertionKeysURL() string { return e.google.url + pathIAPKeys }

// Clients returns the OAuth clients; the first is the desktop client of [Emulator.ClientSecrets].
func (e *Emulator) Clients() []Client { return slices.Clone(e.opts.Clients) }

// ClientSecrets returns the desktop client as a client_secrets.json of Google's form that points at the emulator.
func (e *Emulator) ClientSecrets() []byte { return e.ClientSecretsOf(e.opts.Clients[0]) }

// ClientSecretsOf is [Emulator.ClientSecrets] for another of [Emulator.Clients].
func (e *Emulator) ClientSecretsOf(c Client) []byte {
	kind, fields := "installed", map[string]any{
		"client_id":                   c.ID,
		"project_id":                  projectID,
		"auth_uri":                    e.google.url + pathAuthorize,
		"token_uri":                   e.google.url + pathToken,
		"auth_provider_x509_cert_url": e.google.url + pathJWKS,
		"client_secret":               c.Secret,
	}
	switch c.Type {
	case Web:
		kind, fields["redirect_uris"] = "web", c.RedirectURIs
	case Desktop:
		fields["redirect_uris"] = []string{"http://localhost"}
	}
	b, _ := json.MarshalIndent(map[string]any{kind: fields}, "", "  ") // strings always marshal
	return append(b, '\n')
}

func (e *Emulator) client(id string) (Client, bool) {
	if id == e.iapOwn.ID {
		return e.iapOwn, true
	}
	i := slices.IndexFunc(e.opts.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return Client{}, false
	}
	return e.opts.Clients[i], true
}
