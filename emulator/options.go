package emulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Options say what to emulate. The zero value is useful: one made-up account, one desktop client, a built-in app.
type Options struct {
	// Listen is the host:port of Google's side, "127.0.0.1:0" when empty. A name is kept in the URLs as it is.
	Listen string
	// IAPListen is the host:port of IAP's side; when empty, Listen's host and a port the system chooses.
	IAPListen string
	// TLS makes both sides https, with HTTP/2 for clients that offer it. The certificate is for localhost, 127.0.0.1, ::1, the
	// hosts of Listen and IAPListen, and TLSNames; clients trust [Emulator.CA].
	TLS bool
	// TLSNames are further names of the certificate, each a DNS name, of which the first label may be *, or an address. They
	// need TLS.
	TLSNames []string
	// Upstream is the URL of the service that IAP guards: http, https, or h2c for HTTP/2 without TLS. Empty means the built-in
	// app of the package comment.
	Upstream string

	// Accounts are the people that the consent page offers. None means "user@example.com".
	Accounts []Account
	// AutoConsent names the account that agrees to every authorization request without a page; a login_hint that names
	// another account wins. It is added to Accounts when missing. The device flow still asks.
	AutoConsent string
	// DeviceConsent names the account that agrees to every device code at once. It must be known.
	DeviceConsent string

	// ServiceAccounts are the accounts of programs. The first is the one that the metadata server has.
	ServiceAccounts []ServiceAccount

	// Instances are what the relay of IAP's TCP forwarding reaches.
	Instances []Instance
	// TunnelUsers have the role that the relay wants; nil means everybody, an empty slice nobody.
	TunnelUsers []string

	// ClientID and ClientSecret are those of the desktop client; each is made up when empty.
	ClientID, ClientSecret string
	// Clients are further OAuth clients.
	Clients []Client
	// Provider makes Google's side another OpenID provider.
	Provider Provider
	// Guard is what stands in front of the service: [GuardIAP] when empty.
	Guard Guard

	// TokenLifetime is that of ID tokens and access tokens, 1 hour when zero.
	TokenLifetime time.Duration
	// RotateRefreshTokens gives a new refresh token with every refresh and ends the old one. Google does not.
	RotateRefreshTokens bool
	// RevokeOnReuse ends the whole grant when a rotated refresh token is used again, as RFC 9700 section 4.14.2 asks.
	RevokeOnReuse bool
	// DeviceInterval is the polling interval of the device flow, 5 seconds when zero; whole seconds only.
	DeviceInterval time.Duration

	// AllowedEmails may pass IAP; nil means every account in Accounts and ServiceAccounts, an empty slice nobody.
	AllowedEmails []string
	// AllowedClients are IAP's programmatic clients, the audiences it takes; nil means every client, an empty slice none.
	AllowedClients []string
	// IAPClientID is IAP's own client, for people in a browser, made up when empty. One of another project than
	// ClientID's is what IAP has that uses a Google-managed client.
	IAPClientID string
	// AssertionAudience is the aud of IAP's signed header; a backend service's path is made up when empty.
	AssertionAudience string

	// AccessTokens makes IAP take access tokens, too: those with the scopes openid and email, of an allowed client. Google's
	// documentation has them in some of its versions (https://docs.cloud.google.com/iap/docs/authentication-howto).
	AccessTokens bool

	// Now is the clock, [time.Now] when nil.
	Now func() time.Time
	// Logger gets one line a request, without query strings, headers or bodies. Nil means silence.
	Logger *slog.Logger
}

// Account is a person who can sign in.
type Account struct {
	Email string `json:"email"`
	// Sub is the account's identifier, 21 digits; derived from Email when empty, so it is the same in every run.
	Sub string `json:"sub,omitempty"`
	// HostedDomain is the hd claim, empty for a consumer account.
	HostedDomain string `json:"hosted_domain,omitempty"`
	Name         string `json:"name,omitempty"`
	// Unverified makes email_verified false.
	Unverified bool `json:"unverified,omitempty"`
}

// ClientType is the kind of an OAuth client; each kind has rules of its own.
type ClientType string

// The kinds of OAuth client. Desktop is the zero value's meaning.
const (
	Desktop      ClientType = "installed"     // loopback redirects with any port and any path
	Web          ClientType = "web"           // registered redirects only, compared as strings
	LimitedInput ClientType = "limited_input" // the device flow only
)

// Client is a registered OAuth client.
type Client struct {
	ID     string     `json:"id"`
	Secret string     `json:"secret"`
	Type   ClientType `json:"type,omitempty"`
	// RedirectURIs are those of a Web client.
	RedirectURIs []string `json:"redirect_uris,omitempty"`
}

const (
	defaultAccount = "user@example.com"
	projectNumber  = "104250000042"
	projectID      = "tokentoss-emulator"
)

// withDefaults returns a checked copy of o with the empty fields filled.
func (o Options) withDefaults() (Options, error) {
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:0")
	o.ClientID = cmp.Or(o.ClientID, projectNumber+"-"+strings.ToLower(randomLetters(24))+".apps.googleusercontent.com")
	o.ClientSecret = cmp.Or(o.ClientSecret, "GOCSPX-"+randomToken(21))
	o.IAPClientID = cmp.Or(o.IAPClientID, projectNumber+"-iap.apps.googleusercontent.com")
	o.AssertionAudience = cmp.Or(o.AssertionAudience, "/projects/"+projectNumber+"/global/backendServices/1029384756473829")
	if o.TokenLifetime == 0 {
		o.TokenLifetime = time.Hour
	}
	if o.DeviceInterval == 0 {
		o.DeviceInterval = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Upstream != "" {
		u, err := url.Parse(o.Upstream)
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "h2c"}, u.Scheme) {
			return o, fmt.Errorf("emulator: upstream %q is not an http, https or h2c URL", o.Upstream)
		}
	}
	if len(o.TLSNames) > 0 && !o.TLS {
		return o, errors.New("emulator: TLS names need TLS")
	}
	if err := o.fillAccounts(); err != nil {
		return o, err
	}
	if err := o.fillServiceAccounts(); err != nil {
		return o, err
	}
	if err := errors.Join(o.Provider.check(), o.Guard.check(), o.checkTLSNames()); err != nil {
		return o, err
	}
	o.fillInstances()
	return o, o.fillClients()
}

func (o *Options) fillAccounts() error {
	accounts := slices.Clone(o.Accounts)
	if len(accounts) == 0 && o.AutoConsent == "" {
		accounts = []Account{{Email: defaultAccount}}
	}
	if o.AutoConsent != "" && !slices.ContainsFunc(accounts, func(a Account) bool { return sameEmail(a.Email, o.AutoConsent) }) {
		accounts = append(accounts, Account{Email: o.AutoConsent})
	}
	for i := range accounts {
		if err := accounts[i].fill(); err != nil {
			return err
		}
	}
	o.Accounts = accounts
	return nil
}

// fill makes up what is empty.
func (a *Account) fill() error {
	if !strings.Contains(a.Email, "@") {
		return fmt.Errorf("emulator: account %q is not an e-mail address", a.Email)
	}
	a.Sub = cmp.Or(a.Sub, subjectOf(a.Email))
	a.Name = cmp.Or(a.Name, nameOf(a.Email))
	return nil
}

func (o *Options) fillClients() error {
	clients := append([]Client{{ID: o.ClientID, Secret: o.ClientSecret, Type: Desktop}}, o.Clients...)
	seen := map[string]bool{}
	for i := range clients {
		c := &clients[i]
		if c.Type == "" {
			c.Type = Desktop
		}
		c.RedirectURIs = slices.Clone(c.RedirectURIs)
		switch {
		case c.ID == "" || c.Secret == "":
			return errors.New("emulator: a client needs an ID and a secret")
		case seen[c.ID]:
			return fmt.Errorf("emulator: client %q is there twice", c.ID)
		case c.Type != Desktop && c.Type != Web && c.Type != LimitedInput:
			return fmt.Errorf("emulator: client %q has the unknown type %q", c.ID, c.Type)
		}
		seen[c.ID] = true
	}
	o.Clients = clients
	return nil
}

// subjectOf makes 21 digits out of an address.
func subjectOf(email string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(email)))
	return fmt.Sprintf("1%020d", binary.BigEndian.Uint64(sum[:8]))
}

// nameOf makes "Ada Lovelace" out of "ada.lovelace@example.com".
func nameOf(email string) string {
	local, _, _ := strings.Cut(email, "@")
	words := strings.FieldsFunc(local, func(r rune) bool { return strings.ContainsRune("._-+", r) })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

func sameEmail(a, b string) bool { return strings.EqualFold(a, b) }
