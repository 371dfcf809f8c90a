package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/profile"
)

// clockTolerance is how wrong a clock may be before it does harm.
const clockTolerance = 30 * time.Second

// DefaultTimeout bounds one request.
const DefaultTimeout = 15 * time.Second

// Options say what to examine.
type Options struct {
	// Profile is the open profile, and OpenErr why there is none.
	Profile *profile.Profile
	OpenErr error

	// URL is the service, an http or https URL without userinfo; nil examines
	// this machine only.
	URL *url.URL

	// Tunnel is a port that is to be reached through IAP's TCP forwarding; nil is none.
	Tunnel *TunnelTarget

	// Timeout bounds each request; 0 is [DefaultTimeout].
	Timeout time.Duration

	// Explain gives the text of an error and what to do next, or "".
	Explain func(error) (text, next string)

	// ExitCode gives the exit code of an error of the configuration.
	ExitCode func(error) int

	// Transport makes the requests to the service; nil is one of its own, with the
	// proxy of the environment.
	Transport *http.Transport
}

// An examination is one run.
type examination struct {
	Options
	report *Report
	probe  *probe

	status    core.Status
	token     core.IDToken
	haveToken bool
	refreshed bool // in this run
	aged      bool // the token is of a refresh, not of the sign-in

	signInPage string // of the profile's provider, once that is known
	other      bool   // something else than IAP guards the service
	iapClient  string // to which IAP redirects
}

// Examine makes all checks, and goes on after a failure as far as there is
// something to look at. It asks the provider for at most one new token.
func Examine(ctx context.Context, o Options) *Report {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	e := &examination{Options: o, report: &Report{OK: true, Checks: []Result{}}, probe: newProbe(o.Transport, o.Timeout)}
	defer e.probe.close()
	if e.configuration() {
		e.report.Profile = o.Profile.Name
		ready := e.store(ctx)
		e.provider(ctx)
		if ready {
			e.session(ctx)
		}
	}
	if o.Tunnel != nil && e.haveToken {
		e.tunnel(ctx)
	}
	if o.URL != nil {
		e.report.URL = shown(o.URL)
		if by := e.madeBy(); by != "" {
			e.add(passed(Network, "requests to %s are made by %s, and only a doctor there can examine them", o.URL.Host, by))
		} else {
			e.service(ctx)
		}
	}
	return e.report
}

// add appends a result, and tells whether it is no failure.
func (e *examination) add(f Result) bool { return e.report.add(f) }

// problem is the result of a check that ended with an error.
func (e *examination) problem(id Code, facts Facts, err error) Result {
	text, next := e.Explain(err)
	f := diagnosed(id, facts, text)
	if next = clean(next); next != "" {
		f.Do = append([]string{next}, f.Do...)
	}
	return f
}

// configuration tells whether there is a client to sign in with.
func (e *examination) configuration() bool {
	if err := e.OpenErr; err != nil {
		f := e.problem(codeSettingsBroken, nil, err)
		f.exit = e.ExitCode(err)
		return e.add(f)
	}
	if e.Profile.Settings.IsMachine() {
		return e.add(passed(Configuration, "profile %s, a machine's", e.Profile.Name))
	}
	if f := e.Profile.Forwarded; f != nil {
		return e.add(passed(Configuration, "profile %s, with the session of %s that %s lends", e.Profile.Name, f.Email, f.Host))
	}
	client := e.Profile.Client()
	if client == nil {
		return e.add(diagnosed(codeNotConfigured, nil, ""))
	}
	return e.add(passed(Configuration, "profile %s, OAuth client %s in %s", e.Profile.Name, client.ID, e.Profile.ClientFile))
}

// madeBy is the machine that makes the requests in place of this one, or "".
func (e *examination) madeBy() string {
	if e.Profile == nil || e.Profile.Requests() == nil {
		return ""
	}
	return e.Profile.Forwarded.Host
}

// store tells whether a session can be read.
func (e *examination) store(ctx context.Context) bool {
	p := e.Profile
	var err error
	if e.status, err = p.Status(ctx); err != nil {
		return e.add(e.problem(codeStoreUnusable, nil, err))
	}
	if err := p.CheckStore(ctx); err != nil && !errors.Is(err, core.ErrNotFound) {
		e.add(e.problem(codeStoreUnusable, nil, err))
		return true
	}
	return e.add(passed(Store, "%s %s: private, and can be written", p.Store, p.Location()))
}

// provider asks the provider for its discovery document, and for the time.
func (e *examination) provider(ctx context.Context) {
	client := e.Profile.Client()
	if client == nil {
		return // a machine has none; its flow asks who it must
	}
	issuer := client.Issuer()
	offset, err := client.Reach(ctx)
	if err != nil {
		e.add(e.providerProblem(ctx, issuer, err))
		return
	}
	if p, err := client.Provider(ctx); err == nil {
		e.signInPage = p.AuthURL
	}
	e.add(passed(Provider, "%s answers", issuer))
	e.clock(offset, "the provider's")
}

// providerProblem finds out why the provider does not answer.
func (e *examination) providerProblem(ctx context.Context, issuer string, err error) Result {
	u, perr := url.Parse(issuer)
	if perr != nil {
		return e.problem(codeProviderAnswer, Facts{"provider": issuer}, err)
	}
	var offline *oidc.ProviderError
	if errors.As(err, &offline) && offline.Err != nil {
		// The error of a forward proxy has its kind only here.
		if _, again := e.probe.get(ctx, u.JoinPath(".well-known/openid-configuration"), nil); again != nil {
			return e.probe.problem(u, again).of(Provider)
		}
		return e.probe.problem(u, offline.Err).of(Provider)
	}
	return e.problem(codeProviderAnswer, Facts{"provider": issuer}, err)
}

// clock compares clocks. offset is how far this machine's is ahead of the one that
// whose names.
func (e *examination) clock(offset time.Duration, whose string) {
	if offset.Abs() <= clockTolerance {
		e.add(passed(Clock, "within %s of %s", clockTolerance, whose))
		return
	}
	other := "ahead of " + whose
	if offset < 0 {
		other = "behind " + whose
	}
	e.add(diagnosed(codeClockWrong, Facts{"offset": offset.Abs().Round(time.Second).String(), "other": other}, ""))
}

// session tells whether there is a token.
func (e *examination) session(ctx context.Context) {
	if by := e.madeBy(); by != "" {
		e.add(passed(Session, "requests are made by %s, and no token leaves it", by))
		return
	}
	before := e.status
	token, err := e.Profile.IDToken(ctx)
	if err != nil {
		e.add(e.sessionProblem(err))
		return
	}
	e.token, e.haveToken = token, true
	e.refreshed = !token.Expiry.Equal(before.TokenExpiry)
	e.aged = !e.Profile.Settings.IsMachine() && e.Profile.Forwarded == nil && (e.refreshed || token.IssuedAt.Sub(before.SignedInAt) > time.Minute)
	e.add(passed(Session, "%s, token valid until %s", token.Email, token.Expiry.Local().Format(time.RFC1123)))
}

func (e *examination) sessionProblem(err error) Result {
	var needed *core.SignInNeededError
	var provider *oidc.ProviderError
	var claim *oidc.ClaimError
	var clock *oidc.ClockError
	facts := Facts{"email": e.status.Email, "client_id": e.status.ClientID}
	switch {
	case e.Profile.Settings.IsMachine():
		return e.problem(codeMachineToken, nil, err)
	case e.Profile.Forwarded != nil:
		return e.problem(codeRefreshFailed, facts, err)
	case errors.As(err, &needed):
		if needed.Email != "" {
			facts["email"] = needed.Email
		}
		id, ok := map[core.Cause]Code{
			core.CauseSignedOut: codeSignedOut, core.CauseReauth: codeFreshSignIn, core.CauseTooOld: codeSessionTooOld,
			core.CauseNoRefresh: codeSessionTooOld, core.CauseOtherClient: codeOtherClient, core.CauseOtherPerson: codeOtherClient,
		}[needed.Cause]
		if !ok {
			id = codeSessionEnded
		}
		return diagnosed(id, facts, "")
	case errors.As(err, &claim), errors.As(err, &clock):
		return e.problem(codeUnusableIDToken, facts, err)
	case errors.As(err, &provider) && !provider.Temporary():
		return e.problem(codeClientRefused, facts, err)
	}
	return e.problem(codeRefreshFailed, facts, err)
}
