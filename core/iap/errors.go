package iap

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// ErrForwardProxy is a request over plain http that would have gone through a
// forward proxy, which would read the token. Nothing was sent.
var ErrForwardProxy = errors.New("the token would pass in clear text through the forward proxy")

// An OriginError is a request to where the token must not go. Nothing was sent.
type OriginError struct {
	Origin string // where the request was for, without userinfo, path and query
	Reason string // why that is no place for the token, and what to do
}

func (e *OriginError) Error() string {
	return "iap: nothing was sent to " + e.Origin + ": " + e.Reason
}

// Is makes errors.Is(err, fault.WrongOrigin) true.
func (e *OriginError) Is(target error) bool { return target == fault.WrongOrigin }

// originError says why req is not for a listed origin.
func (t *Transport) originError(req *http.Request) error {
	e := &OriginError{Origin: printable(req.URL)}
	o, ok := originOf(req.URL.Scheme, req.URL.Host)
	_, listed := t.origins[o]
	switch {
	case !ok:
		e.Reason = "its host is not ASCII: write it in its xn-- form"
	case listed:
		e.Reason = fmt.Sprintf("its Host header names %+q, which is not in the list of origins", req.Host)
	default:
		var names []string
		for o := range t.origins {
			names = append(names, o.String())
		}
		slices.Sort(names)
		if more := len(names) - 3; more > 0 {
			names = append(names[:3], fmt.Sprintf("%d more", more))
		}
		e.Reason = "it is not in the list of origins (" + strings.Join(names, ", ") + "): add it there if it may see the token"
	}
	return e
}

// A RedirectError is a redirect from https to http, which was not followed.
type RedirectError struct {
	From string // the origin that redirected; empty when not known
	To   string
}

func (e *RedirectError) Error() string {
	from := e.From
	if from == "" {
		from = "a service"
	}
	return "iap: redirect from " + from + " to " + e.To + " was not followed: it leads from https to http, so ask the service's owner to redirect to https"
}

// Is makes errors.Is(err, fault.WrongOrigin) true.
func (e *RedirectError) Is(target error) bool { return target == fault.WrongOrigin }

// Remedy says what to do next.
func (e *RedirectError) Remedy() fault.Remedy {
	return fault.Ask.To("the owner of the service", "to redirect to https")
}

// A HeaderError is a request that already uses the header that the token needs.
// Nothing was sent.
type HeaderError struct {
	Origin string
	Header string
}

func (e *HeaderError) Error() string {
	return "iap: nothing was sent to " + e.Origin + ": the request has a " + e.Header + " header of its own, where the token has to go: remove it"
}

// Is makes errors.Is(err, fault.Usage) true.
func (e *HeaderError) Is(target error) bool { return target == fault.Usage }

// A RefusedError is IAP's answer to a token that it does not accept, or to a
// person who has no access.
//
// Renewed tells the two kinds of 401 apart: with it IAP refused two tokens in a
// row; without it a newer token was not tried, because it was obtained moments
// ago (the error then wraps [core.ErrRenewedRecently]) or because of OneShot.
type RefusedError struct {
	StatusCode int    // 401, 403, or that of a redirect to a sign-in page
	Origin     string // the service
	Email      string // who is signed in
	Audience   string // the client ID that the token was issued to
	IAPCode    int    // of "Error code N" on IAP's page; 0 when it names none
	Reason     string // IAP's words, as far as they are safe to show; often empty
	Renewed    bool   // the token was renewed and the request repeated
	OneShot    bool   // the request could not be repeated: it has a body and no GetBody
	Issuer     string // of the token, where the refusal is not marked as IAP's

	err error
}

func (e *RefusedError) Error() string {
	var b strings.Builder
	if e.StatusCode == http.StatusForbidden {
		fmt.Fprintf(&b, "iap: %s has no access to %s", who(e.Email), e.Origin)
	} else {
		fmt.Fprintf(&b, "iap: %s refused the token of %s", e.Origin, who(e.Email))
	}
	fmt.Fprintf(&b, " (client %s): %d %s", e.Audience, e.StatusCode, http.StatusText(e.StatusCode))
	if e.Renewed {
		b.WriteString(", also after renewing the token")
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	if e.IAPCode != 0 {
		fmt.Fprintf(&b, " (IAP error code %d)", e.IAPCode)
	}
	if e.err != nil {
		b.WriteString(": " + e.err.Error())
	}
	return b.String()
}

// Remedy says what to do next.
//
// A refused token has two usual causes. Programmatic access is only for OAuth
// clients on the allowlist of the resource; and a token that was refreshed is
// never good enough for an access level
// (https://docs.cloud.google.com/iap/docs/authentication-howto).
func (e *RefusedError) Remedy() fault.Remedy {
	switch {
	case e.StatusCode == http.StatusForbidden:
		return fault.Ask.To("the owner of "+e.Origin, "to grant "+who(e.Email)+" roles/iap.httpsResourceAccessor on it; if that is granted, an access level refuses this sign-in: sign in again, from a place and device that it allows")
	case e.OneShot:
		return fault.Say("make the request again, with a body that can be sent twice (http.Request.GetBody)")
	}
	if e.Issuer != "" && !strings.HasSuffix(e.Issuer, signInHost) {
		return fault.Ask.To("the owner of "+e.Origin, "whether it takes ID tokens of "+e.Issuer+" that were issued to the client "+e.Audience)
	}
	return fault.Say("either the OAuth client %s is not on the programmatic allowlist of %s (its owner adds it with: gcloud iap settings set), or an access level wants a fresh sign-in: sign in again", e.Audience, e.Origin)
}

// Is makes errors.Is(err, fault.NoAccess) true for a person who has no access, and
// errors.Is(err, fault.TokenRefused) for a token that is not accepted.
func (e *RefusedError) Is(target error) bool {
	if e.StatusCode == http.StatusForbidden {
		return target == fault.NoAccess
	}
	return target == fault.TokenRefused
}

// Unwrap gives why the token was not renewed, if it was not.
func (e *RefusedError) Unwrap() error { return e.err }

func who(email string) string {
	if email == "" {
		return "the signed-in account"
	}
	return email
}

// renewError is a refused token that could not be renewed.
func renewError(p plan, tok *core.IDToken, err error) error {
	return fmt.Errorf("iap: %s refused the token of %s, and it could not be renewed: %w", p.origin, who(tok.Email), err)
}
