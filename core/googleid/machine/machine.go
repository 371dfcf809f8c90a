package machine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// The flows, as a profile's settings name them.
const (
	ServiceAccount   = "service_account"
	Metadata         = "metadata"
	Impersonation    = "impersonation"
	WorkloadIdentity = "workload_identity"
	SignedJWT        = "signed_jwt"
)

// Names returns the names of the flows, sorted.
func Names() []string {
	return []string{Impersonation, Metadata, ServiceAccount, SignedJWT, WorkloadIdentity}
}

// Options say which machine it is, and what its tokens are for. Flow and Audience
// are needed.
type Options struct {
	Flow string // one of the names above

	// Audience is an OAuth client's ID; for SignedJWT the service's URL, or one that
	// ends in /* for all below it.
	Audience string

	// KeyFile is the key of a service account, or the configuration of workload
	// identity federation, in the form of Google's console and of gcloud. A key must be
	// as private as a session. It is read for each token, so that it can be replaced.
	// Impersonation and SignedJWT take the machine's own service account, by its
	// metadata server, where there is no KeyFile. They also take what
	// gcloud auth application-default login writes: a person's own credentials, or those of
	// an impersonation.
	KeyFile string

	// Account is the e-mail address of the service account to become, for
	// Impersonation and SignedJWT; where this is empty, the one that the KeyFile names, if
	// it is the configuration of a federation or of an impersonation. Of Metadata it is the account to ask for where the
	// machine has several.
	Account string

	// Delegates are service accounts each of which may act for the next, and the last
	// for Account.
	Delegates []string

	// Issuer is an emulator in Google's place, and InsecureLoopback allows it.
	Issuer           string
	InsecureLoopback bool

	// Transport makes the requests; nil means one of core's own.
	Transport http.RoundTripper

	// Now is the clock; nil means [time.Now].
	Now func() time.Time

	// Logger gets a line for each request, never a secret. Nil discards.
	Logger *slog.Logger
}

// A Flow obtains tokens of a machine. It is safe for concurrent use.
type Flow struct{ o Options }

var _ core.Flow = (*Flow)(nil)

// New returns the flow that o describes. It reads no file and asks nobody.
func New(o Options) (*Flow, error) {
	if !slices.Contains(Names(), o.Flow) {
		return nil, &OptionError{"flow", fmt.Sprintf("there is no flow %q for a machine; available: %s", o.Flow, strings.Join(Names(), ", "))}
	}
	if o.Issuer == "" {
		o.Issuer = oidc.GoogleIssuer
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	missing := func(name, what string) (*Flow, error) {
		return nil, &OptionError{name, fmt.Sprintf("the flow %s needs %s", o.Flow, what)}
	}
	switch {
	case o.Audience == "":
		return missing("audience", "an audience: what its tokens are for")
	case (o.Flow == ServiceAccount || o.Flow == WorkloadIdentity) && o.KeyFile == "":
		return missing("key_file", "a key file")
	case o.Flow == Impersonation && o.Account == "" && o.KeyFile == "":
		return missing("service_account", "the address of the service account to become")
	case o.Account != "" && !isAddress(o.Account):
		return nil, &OptionError{"service_account", fmt.Sprintf("%q is not the e-mail address of a service account", o.Account)}
	case o.Flow == SignedJWT && !strings.HasPrefix(o.Audience, "https://") && !o.InsecureLoopback:
		return nil, &OptionError{"audience", fmt.Sprintf("%q is not the URL of a service, such as https://service.example.com/*", o.Audience)}
	case o.Issuer != oidc.GoogleIssuer && !o.InsecureLoopback:
		return nil, &OptionError{"issuer", "a machine's tokens are Google's, not " + o.Issuer + "'s"}
	}
	for _, d := range o.Delegates {
		if !isAddress(d) {
			return nil, &OptionError{"delegates", fmt.Sprintf("%q is not the e-mail address of a service account", d)}
		}
	}
	return &Flow{o: o}, nil
}

// isAddress tells whether text can be a service account's address, and a part of a
// URL's path.
func isAddress(text string) bool {
	name, host, ok := strings.Cut(text, "@")
	return ok && name != "" && host != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || strings.ContainsRune("@.-_", r))
	})
}

// An OptionError is a setting that a flow cannot be made of.
type OptionError struct {
	Name    string // of the setting
	Problem string
}

func (e *OptionError) Error() string { return e.Name + ": " + e.Problem }

// Is makes errors.Is(err, fault.BadConfig) true.
func (e *OptionError) Is(target error) bool { return target == fault.BadConfig }

// Remedy says what to do next.
func (e *OptionError) Remedy() fault.Remedy { return fault.CorrectSetting.On(e.Name) }

// SelfSigned tells whether the tokens are the machine's own; see [core.Machine].
func (f *Flow) SelfSigned() bool { return f.o.Flow == SignedJWT }

// SignIn implements [core.Flow]. It asks nobody: the Prompter is not used.
func (f *Flow) SignIn(ctx context.Context, _ core.Prompter) (*core.Token, error) {
	var key *keyFile
	if f.o.KeyFile != "" && f.o.Flow != Metadata {
		var err error
		if key, err = readKeyFile(f.o.KeyFile, f.o.InsecureLoopback); err != nil {
			return nil, err
		}
	}
	c := f.newCall(key)
	token, err := c.token(ctx, f.o.Flow)
	if err != nil {
		return nil, err
	}
	return &core.Token{IDToken: token, ClockOffset: c.clockOffset()}, nil
}

// A call obtains one token.
type call struct {
	Options

	key       *keyFile
	transport *oidc.Transport // to Google
	local     *oidc.Transport // to the metadata server, without a proxy
}

func (f *Flow) newCall(key *keyFile) *call {
	o := oidc.ProviderOptions{
		Issuer: f.o.Issuer, InsecureLoopback: f.o.InsecureLoopback, Transport: f.o.Transport, Now: f.o.Now, Logger: f.o.Logger,
	}
	var plain []string
	if key != nil {
		plain = key.plainHosts()
	}
	c := &call{Options: f.o, key: key, transport: oidc.NewTransport(o, plain...)}
	if o.Transport == nil {
		o.Transport = &http.Transport{DisableKeepAlives: true}
	}
	c.local = oidc.NewTransport(o, metadataHost())
	return c
}

// clockOffset returns this machine's clock minus Google's, as far as its answers
// told.
func (c *call) clockOffset() time.Duration {
	if d := c.transport.ClockOffset(); d != 0 {
		return d
	}
	return c.local.ClockOffset()
}

func (c *call) token(ctx context.Context, flow string) (core.Secret, error) {
	wrong := func(want string) (core.Secret, error) {
		e := &KeyFileError{Path: c.KeyFile, Problem: "it is " + c.key.words() + ", not " + want}
		switch c.key.Type {
		case typeAuthorizedUser:
			e.Next = `they can act for a service account: set flow = "impersonation" and service_account`
		case typeImpersonated:
			e.Next = `set flow = "impersonation"`
		case typeExternalAccount:
			e.Next = `set flow = "workload_identity"`
		case typeServiceAccount:
			e.Next = `set flow = "service_account"`
		}
		return "", e
	}
	switch flow {
	case Metadata:
		return c.metadataIDToken(ctx)
	case ServiceAccount:
		if c.key.Type != typeServiceAccount {
			return wrong("the key of a service account")
		}
		return c.keyIDToken(ctx)
	case WorkloadIdentity:
		if c.key.Type != typeExternalAccount {
			return wrong("the configuration of workload identity federation")
		}
		if err := c.become(); err != nil {
			return "", err
		}
		return c.generateIDToken(ctx)
	case Impersonation:
		if err := c.become(); err != nil {
			return "", err
		}
		return c.generateIDToken(ctx)
	case SignedJWT:
		return c.signedJWT(ctx)
	}
	return "", errors.ErrUnsupported
}

// become fills in the account to become, and who stands between, from the key file
// where the options do not say. A machine of Google Cloud has an account of its own
// without.
func (c *call) become() error {
	if c.Account != "" || c.key == nil {
		return nil
	}
	switch c.key.Type {
	case typeImpersonated:
		c.Delegates = append(slices.Clone(c.key.Delegates), c.Delegates...)
		fallthrough
	case typeExternalAccount:
		c.Account = c.key.impersonated()
	}
	if c.Account == "" {
		return &OptionError{"service_account", "it is needed: " + c.KeyFile + " is " + c.key.words() + ", and names no service account to become"}
	}
	return nil
}
