// Package jupyterhub signs people in who work on a JupyterHub, by way of the service that
// `tokentoss hub` is there: the provider sends the browser back to the hub, whose address
// it reaches, and not to the machine of the kernel, which it does not.
//
// The hub has one OAuth client. Its secret is the service's. A kernel makes the state,
// the nonce and the PKCE verifier of a sign-in, tells the service the hash of the state,
// and gets the authorization code when the browser of the same user has brought it. Its
// token requests go to the service, which adds the secret.
//
// The kernel proves whose it is by the hub's API token of its server, which goes to the
// service alone. See https://jupyterhub.readthedocs.io/en/stable/reference/services.html.
package jupyterhub

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/core/proxyenv"
)

// Name is the service's name, which is in its address and in the scope of who may use it.
const Name = "tokentoss"

// EnvURL is where the service is, as servers of users reach it. The hub's administrator
// sets it where the hub does not know its own public address.
const EnvURL = "TOKENTOSS_HUB_URL"

// Paths below the service's address.
const (
	PathClient   = "api/client"   // GET: a [Client]
	PathSignIn   = "api/sign-in"  // POST: state_hash and client_id, to announce a sign-in
	PathResponse = "api/response" // POST: state, for the parameters of the redirect; 204: none yet
	PathProvider = "api/provider" // POST: a request for the token or the revocation endpoint
	PathCallback = "callback"     // GET: the redirect, from the browser
)

// Wait is how long the service waits for the redirect before it answers that there is
// none yet, and the client asks again.
const Wait = 20 * time.Second

// Problem is the header of an answer that the service itself refuses with. Its values are
// the Problem constants.
const Problem = "Tokentoss-Problem"

// The problems.
const (
	NotAllowed  = "not_allowed"  // the hub's token is not that of a user who may use the service
	Unknown     = "unknown"      // there is no such sign-in: it has expired, or is another user's
	OtherClient = "other_client" // the hub has another OAuth client by now
	NotServed   = "not_served"   // a request that the service does not make
	HubFails    = "hub_fails"    // the hub did not say whose the token is
	NoAnswer    = "no_answer"    // the provider gave none
)

// A Client is the hub's OAuth client, without its secret.
type Client struct {
	ClientID    string `json:"client_id"`
	RedirectURI string `json:"redirect_uri"`
	Issuer      string `json:"issuer"`
}

// A Service is the service as a kernel reaches it.
type Service struct {
	// URL is its address. It ends in a slash.
	URL string

	// Client is the hub's OAuth client, as [Service.Ask] returns it.
	Client Client

	// Forget is called when the hub has another client by now.
	Forget func()

	token oidc.Secret
	base  http.RoundTripper
}

// Find returns the service of the hub on whose server this process runs, by the variables
// that the hub sets, and nil where there is none. It asks nobody. getenv is that of
// package os.
func Find(getenv func(string) string) (*Service, error) {
	token := getenv("JUPYTERHUB_API_TOKEN")
	if token == "" || getenv("JUPYTERHUB_USER") == "" { // a service of the hub has no user
		return nil, nil
	}
	name, address := EnvURL, getenv(EnvURL)
	if address == "" {
		if address = getenv("JUPYTERHUB_PUBLIC_HUB_URL"); address == "" {
			return nil, nil
		}
		name, address = "JUPYTERHUB_PUBLIC_HUB_URL", besideHub(address)+"services/"+Name+"/"
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, &fault.Error{Subject: name, Kind: fault.BadConfig, Problem: "it is not a URL such as https://hub.example.com/services/tokentoss/",
			Remedy: fault.Ask.To("the hub's administrator", "to correct it")}
	}
	if name != EnvURL && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return nil, nil // tokens would cross a network for all to read; who wants that says so
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return &Service{URL: u.String(), Forget: func() {}, token: oidc.Secret(token), base: &http.Transport{
		Proxy: proxyenv.FromEnvironment, TLSHandshakeTimeout: 5 * time.Second, DisableKeepAlives: true,
	}}, nil
}

// besideHub returns the address below which services are: the hub itself is at hub/.
func besideHub(address string) string {
	return strings.TrimSuffix(strings.TrimSuffix(address, "/"), "/hub") + "/"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Ask asks the service for the hub's OAuth client. An error of the kind [fault.NotFound]
// says that the hub has no such service.
func (s *Service) Ask(ctx context.Context) (Client, error) {
	a, err := s.call(ctx, http.MethodGet, PathClient, nil)
	if err != nil {
		return Client{}, err
	}
	var c Client
	if a.status != http.StatusOK || json.Unmarshal(a.body, &c) != nil || c.ClientID == "" {
		return Client{}, &fault.Error{Subject: s.subject(), Kind: fault.NotFound}
	}
	return c, nil
}

// OAuthClient returns the hub's client, whose requests to the provider go through the
// service.
func (s *Service) OAuthClient(o oidc.ProviderOptions) (*oidc.Client, error) {
	o.Transport, o.SecretElsewhere = s, true
	if o.Issuer == "" && s.Client.Issuer != oidc.GoogleIssuer {
		o.Issuer = s.Client.Issuer
	}
	return oidc.NewClient(oidc.ClientSecrets{ClientID: s.Client.ClientID, Web: true, RedirectURIs: []string{s.Client.RedirectURI}}, o)
}

// RedirectURI implements [authcode.Receiver].
//
// [authcode.Receiver]: https://pkg.go.dev/github.com/tokentoss/tokentoss/core/authcode#Receiver
func (s *Service) RedirectURI() string { return s.Client.RedirectURI }

// Hash is by what the service knows a state.
func Hash(state string) string {
	sum := sha256.Sum256([]byte(state))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Expect announces a sign-in.
func (s *Service) Expect(ctx context.Context, state string) error {
	_, err := s.call(ctx, http.MethodPost, PathSignIn, url.Values{"state_hash": {Hash(state)}, "client_id": {s.Client.ClientID}})
	return err
}

// Response waits for the parameters of the redirect, until ctx ends. A connection that
// breaks meanwhile is made again.
func (s *Service) Response(ctx context.Context, state string) (url.Values, error) {
	for {
		a, err := s.call(ctx, http.MethodPost, PathResponse, url.Values{"state": {state}})
		var refused *refusal
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.As(err, &refused) && !refused.passes():
			return nil, err
		case err != nil:
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		case a.status == http.StatusOK:
			return url.ParseQuery(string(a.body))
		}
	}
}

// RoundTrip implements [http.RoundTripper] for requests to the provider: what has the
// client's authentication goes through the service, the rest to the provider.
func (s *Service) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost {
		return s.base.RoundTrip(r)
	}
	u, err := url.Parse(s.URL + PathProvider)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL, r.Host = u, ""
	r.Header.Set("Authorization", "token "+s.token.Reveal())
	res, err := s.base.RoundTrip(r)
	if err == nil {
		if code := res.Header.Get(Problem); code != "" && code != NoAnswer {
			_ = res.Body.Close()
			return nil, s.refusal(code)
		}
	}
	return res, err
}

// String names the service, never its token.
func (s *Service) String() string { return "service " + s.URL }

// Format implements [fmt.Formatter], so that no verb shows the token.
func (s *Service) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// An answer is a complete one.
type answer struct {
	status int
	body   []byte
}

// maxAnswer bounds an answer, in bytes. An address has a few thousand.
const maxAnswer = 64 << 10

// call makes a request to the service.
func (s *Service) call(ctx context.Context, method, path string, form url.Values) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, Wait+10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, s.unreachable(err)
	}
	req.Header.Set("Authorization", "token "+s.token.Reveal())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.base.RoundTrip(req) // not http.Client: nobody else is to get the token
	if err != nil {
		return nil, s.unreachable(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, s.unreachable(err)
	}
	if code := res.Header.Get(Problem); code != "" {
		return nil, s.refusal(code)
	}
	if res.StatusCode >= 400 || res.StatusCode/100 == 3 { // of the hub's proxy
		return nil, &fault.Error{Subject: s.subject(), Kind: fault.NotFound, Problem: fmt.Sprintf("answered %d", res.StatusCode)}
	}
	return &answer{res.StatusCode, body}, nil
}

func (s *Service) subject() string { return "the hub's " + s.String() }

func (s *Service) unreachable(err error) error {
	return &fault.Error{Subject: s.subject(), Kind: fault.Offline, Err: err}
}
