package oidc

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/internal/strictjson"
)

// ClientSecrets is an OAuth client as Google's console exports it, a file named
// client_secrets.json or client_secret_ID.json:
//
//	{"installed": {"client_id": "...", "client_secret": "...", ...}}
//
// The client secret of an installed application is not confidential (RFC 8252
// section 8.5), yet Google's token endpoint demands it.
//
// See https://developers.google.com/identity/protocols/oauth2/native-app.
type ClientSecrets struct {
	ClientID     string
	ClientSecret Secret
	ProjectID    string

	// Web is set for a client of the type "web". Its redirect URIs are matched
	// exactly; a desktop client may use any loopback port.
	Web          bool
	RedirectURIs []string

	// AuthURI and TokenURI are what the file says. For Google they are not used:
	// the endpoints are built in, so that a file cannot move them.
	AuthURI  string
	TokenURI string
}

// clientJSON is the inner object of the file.
type clientJSON struct {
	ClientID     string   `json:"client_id"`
	ProjectID    string   `json:"project_id,omitempty"`
	AuthURI      string   `json:"auth_uri,omitempty"`
	TokenURI     string   `json:"token_uri,omitempty"`
	ClientSecret string   `json:"client_secret,omitempty"`
	RedirectURIs []string `json:"redirect_uris,omitempty"`
}

// badClient says what is wrong with an OAuth client. It must hold no part of the
// file but field names.
func badClient(problem string, remedy fault.Remedy) error {
	return &fault.Error{Problem: problem, Kind: fault.BadClient, Remedy: remedy}
}

var (
	download  = fault.Say(`download it again: Google Cloud console, "APIs & Services", "Credentials", your OAuth client of the type "Desktop app", "Download JSON"`)
	copyAgain = fault.Say("copy it again, without the quotes around it")
)

// ParseClientSecrets reads the content of a client_secrets.json and names the
// exact fault when it cannot be used, with an error of the kind [fault.BadClient].
func ParseClientSecrets(data []byte) (ClientSecrets, error) {
	var file struct {
		Installed *clientJSON     `json:"installed"`
		Web       *clientJSON     `json:"web"`
		Type      json.RawMessage `json:"type"` // of other files that Google's console offers
	}
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &file); err != nil {
		return ClientSecrets{}, fileFault(err)
	}
	c, web := file.Installed, false
	switch {
	case file.Installed != nil && file.Web != nil:
		return ClientSecrets{}, badClient(`it has both "installed" and "web"; one client is expected`, download)
	case file.Web != nil:
		c, web = file.Web, true
	case file.Installed != nil:
	case string(file.Type) == `"service_account"`:
		return ClientSecrets{}, badClient("it is a service-account key, not an OAuth client", download)
	case string(file.Type) == `"authorized_user"`:
		return ClientSecrets{}, badClient("it holds gcloud's own user credentials, not an OAuth client", download)
	default:
		return ClientSecrets{}, badClient(`it has neither "installed" nor "web"`, download)
	}
	cs := ClientSecrets{
		ClientID: strings.TrimSpace(c.ClientID), ClientSecret: Secret(strings.TrimSpace(c.ClientSecret)),
		ProjectID: c.ProjectID, Web: web, RedirectURIs: c.RedirectURIs,
		AuthURI: c.AuthURI, TokenURI: c.TokenURI,
	}
	if err := cs.Validate(); err != nil {
		return ClientSecrets{}, err
	}
	return cs, nil
}

// fileFault says why a file is not a client file.
func fileFault(err error) error {
	badFile := func(problem string) error { return badClient(problem, download) }
	var te *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &te):
		return badFile("it is not JSON" + strictjson.Position(err))
	case te.Field == "":
		return badFile("it is not a JSON object")
	case !strings.Contains(te.Field, "."):
		return badFile(fmt.Sprintf("%q is not a JSON object", te.Field))
	}
	return badFile(fmt.Sprintf("%s is a JSON %s, which does not belong there", te.Field, te.Value))
}

// Validate checks what a file or a person gave, with an error of the kind [fault.BadClient].
func (c ClientSecrets) Validate() error { return c.validate(true) }

func (c ClientSecrets) validate(wantSecret bool) error {
	isOdd := unicode.IsControl // RFC 6749 section 2.2 leaves the rest to the provider
	if c.forGoogle() {
		isOdd = notInGoogles
	}
	switch {
	case c.ClientID == "":
		return badClient("client_id is missing", download)
	case strings.ContainsFunc(c.ClientID, isOdd):
		return badClient("client_id contains spaces or control characters", copyAgain)
	case strings.ContainsFunc(c.ClientSecret.Reveal(), isOdd):
		return badClient("client_secret contains spaces or control characters", copyAgain)
	case c.ClientSecret == "" && wantSecret && c.forGoogle():
		return badClient("client_secret is missing, and Google's token endpoint demands it", download)
	}
	for _, field := range []struct{ name, value string }{{"auth_uri", c.AuthURI}, {"token_uri", c.TokenURI}} {
		if field.value == "" {
			continue
		}
		if u, err := url.Parse(field.value); err != nil || u.Scheme == "" || u.Host == "" {
			return badClient(field.name+" is not a URL", download)
		}
	}
	return nil
}

// notInGoogles tells the characters that no client ID or secret of Google's has.
func notInGoogles(r rune) bool { return r <= ' ' || r == 0x7f || r > 0x7e }

// Endpoints that Google's files name, in this and in earlier years.
var (
	googleAuthURIs  = []string{"", "https://accounts.google.com/o/oauth2/auth", "https://accounts.google.com/o/oauth2/v2/auth"}
	googleTokenURIs = []string{"", "https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token",
		"https://www.googleapis.com/oauth2/v3/token", "https://www.googleapis.com/oauth2/v4/token"}
)

// forGoogle tells whether the file names no provider but Google.
func (c ClientSecrets) forGoogle() bool {
	return slices.Contains(googleAuthURIs, c.AuthURI) && slices.Contains(googleTokenURIs, c.TokenURI)
}

// ForIssuer returns c as it is kept for a client of issuer: what is kept for another
// provider must not be taken for a client of Google's, which has a secret, when it
// is read again. Google's endpoints are written out, without which its own libraries
// refuse a file.
func (c ClientSecrets) ForIssuer(issuer string) ClientSecrets {
	switch {
	case !c.forGoogle():
	case issuer == GoogleIssuer:
		c.AuthURI, c.TokenURI = cmp.Or(c.AuthURI, googleAuthURIs[1]), cmp.Or(c.TokenURI, googleTokenURIs[1])
	default:
		c.AuthURI, c.TokenURI = issuer, issuer
	}
	return c
}

// Encode returns the client as the content of a client_secrets.json, with its
// secret: keep it in a private file.
func (c ClientSecrets) Encode() ([]byte, error) {
	kind := "installed"
	if c.Web {
		kind = "web"
	}
	return json.MarshalIndent(map[string]clientJSON{kind: {
		ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), ProjectID: c.ProjectID,
		RedirectURIs: c.RedirectURIs, AuthURI: c.AuthURI, TokenURI: c.TokenURI,
	}}, "", "  ")
}
