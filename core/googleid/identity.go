package googleid

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokentoss/tokentoss/core/internal/jws"
)

// An Identity is whom a verified token is about.
type Identity struct {
	Issuer string

	// Subject is the account's own ID, which stays when its address changes. IAP puts
	// "accounts.google.com:" in front of it.
	Subject string

	// Email is the account's verified address; empty where [Options].EmailOptional
	// let a token pass that has none.
	Email string

	HostedDomain    string   // the Google Workspace domain, if the account is of one
	Audience        string   // which of [Options].Audiences the token is for
	AuthorizedParty string   // who obtained an ID token, if it says so
	AccessLevels    []string // that IAP found the request to meet
	IssuedAt        time.Time
	Expiry          time.Time

	payload []byte
}

// Claims decodes all claims of the token into v, as [json.Unmarshal] does, for
// those that have no field here.
func (id *Identity) Claims(v any) error { return json.Unmarshal(id.payload, v) }

// String says who it is.
func (id *Identity) String() string {
	if id.Email != "" {
		return id.Email
	}
	return id.Subject
}

// claims are what is looked at.
type claims struct {
	iss, sub, azp, email, hd string
	aud                      []string
	emailVerified            bool
	iat, exp, nbf            time.Time
	accessLevels             []string
	payload                  []byte
}

// readClaims reads a payload. Names are matched exactly, which encoding/json does
// not do for structs.
func readClaims(payload []byte) (*claims, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(payload, &all); err != nil {
		return nil, &TokenError{Malformed, "its claims cannot be read"}
	}
	c := &claims{payload: payload}
	var google struct {
		AccessLevels []string `json:"access_levels"`
	}
	for _, f := range []struct {
		name string
		into any
	}{
		{"iss", &c.iss}, {"sub", &c.sub}, {"azp", &c.azp}, {"email", &c.email}, {"hd", &c.hd},
		{"aud", (*jws.Audience)(&c.aud)}, {"email_verified", (*flag)(&c.emailVerified)},
		{"iat", (*date)(&c.iat)}, {"exp", (*date)(&c.exp)}, {"nbf", (*date)(&c.nbf)}, {"google", &google},
	} {
		raw, ok := all[f.name]
		if ok && json.Unmarshal(raw, f.into) != nil {
			return nil, &TokenError{Malformed, "its " + f.name + " is of a type that does not belong there"}
		}
	}
	c.accessLevels = google.AccessLevels
	return c, nil
}

// flag is email_verified, which some send as a text.
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	*f = flag(jws.IsTrue(b))
	return nil
}

// date is a NumericDate (RFC 7519 section 2), which may have a fraction.
type date time.Time

func (d *date) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	t := jws.NumericDate(f)
	if t.IsZero() {
		return errors.New("not a date")
	}
	*d = date(t)
	return nil
}

// check holds the claims of a token whose signature is good against what v takes.
func (v *Verifier) check(c *claims) (*Identity, error) {
	refuse := func(r Reason, format string, args ...any) (*Identity, error) {
		return nil, &TokenError{r, fmt.Sprintf(format, args...)}
	}
	switch now := v.now(); {
	case !slices.Contains(v.issuers, c.iss):
		return refuse(WrongIssuer, "its issuer is %q, not %q", c.iss, v.issuers[0])
	case len(c.aud) != 1 || !slices.Contains(v.audiences, c.aud[0]):
		return refuse(WrongAudience, "it is for %q, not for %q", c.aud, v.audiences)
	case c.exp.IsZero(), c.iat.IsZero():
		return refuse(Incomplete, "it does not say when it was issued and when it expires")
	case !now.Before(c.exp.Add(skew)):
		return refuse(Expired, "it expired %s ago", now.Sub(c.exp).Round(time.Second))
	case c.iat.After(now.Add(skew)), c.nbf.After(now.Add(skew)):
		return refuse(NotYetValid, "it is from the future, by this machine's clock")
	case !c.exp.After(c.iat), c.exp.Sub(c.iat) > v.longest:
		return refuse(TooLongLived, "it lives for %s, which is not from nothing to %s", c.exp.Sub(c.iat), v.longest)
	case c.sub == "":
		return refuse(Incomplete, "it does not say whom it is about")
	}
	if v.verified && !c.emailVerified {
		c.email = ""
	}
	if c.email == "" && !v.optional {
		return refuse(Incomplete, "it names no e-mail address, or one that is not verified")
	}
	return &Identity{
		Issuer: c.iss, Subject: c.sub, Email: c.email, HostedDomain: c.hd, Audience: c.aud[0], AuthorizedParty: c.azp,
		AccessLevels: c.accessLevels, IssuedAt: c.iat, Expiry: c.exp, payload: c.payload,
	}, nil
}
