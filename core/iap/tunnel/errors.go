package tunnel

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/coder/websocket"

	"github.com/tokentoss/tokentoss/core/fault"
)

// Codes that the relay ends a WebSocket with, beside those of RFC 6455. Google has no
// list; the names are those of other clients.
const (
	codeUnknown            = 4000
	codeSessionUnknown     = 4001
	codeSessionInUse       = 4002
	codeConnectFailed      = 4003
	codeReauthenticate     = 4004
	codeBadAck             = 4005
	codeInvalidAck         = 4006
	codeInvalidOpcode      = 4007
	codeInvalidTag         = 4008
	codeWriteFailed        = 4009
	codeReadFailed         = 4010
	codeInvalidData        = 4013
	codeNotAuthorized      = 4033
	codeLookupFailed       = 4047
	codeLookupFailedAgain  = 4051
	codeProhibitedByPolicy = 4054
	codeFailedToRewind     = 4074
	firewallRange          = "35.235.240.0/20"
	roleResourceAccessor   = "roles/iap.tunnelResourceAccessor"
)

// A CloseError is the relay's word that there is no connection, or that there is none
// any more.
type CloseError struct {
	Target string // what the connection was to
	Code   int    // of the WebSocket, 0 where there was none
	Status int    // of the HTTP answer, where it did not become a WebSocket
	Reason string // what the relay said beside, at most 123 bytes
}

func (e *CloseError) Error() string {
	what := fmt.Sprintf("code %d", e.Code)
	if e.Code == 0 {
		what = fmt.Sprintf("HTTP status %d", e.Status)
	}
	return fmt.Sprintf("%s: %s (%s)", e.Target, e.Problem(), what)
}

// Problem says what happened, in words.
func (e *CloseError) Problem() string {
	switch e.Code {
	case codeConnectFailed:
		return "nothing answers there: no program listens on the port, or a firewall rule does not admit " + firewallRange
	case codeNotAuthorized:
		return "IAP does not admit this account: it lacks " + roleResourceAccessor + ", the token has not the scope " + Scope + ", or there is no such project"
	case codeLookupFailed, codeLookupFailedAgain:
		return "there is no such instance in this project and zone, or it was created moments ago"
	case codeProhibitedByPolicy:
		return "a policy of the organization prohibits it"
	case codeSessionUnknown, codeSessionInUse, codeFailedToRewind:
		return "the connection broke, and the relay cannot resume it"
	case codeReauthenticate:
		return "the relay wants a new access token"
	case codeWriteFailed, codeReadFailed:
		return "the program there closed the connection"
	case codeBadAck, codeInvalidAck, codeInvalidOpcode, codeInvalidTag, codeInvalidData:
		return "the relay did not understand what it was sent"
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return "the relay does not take this access token"
	case http.StatusForbidden:
		return "refused before IAP looked at the account's roles, as by a proxy or a policy"
	case http.StatusNotFound:
		return "there is no such zone, region or network"
	}
	return "the relay ended the connection"
}

// NotAuthorized tells whether the account lacks the role.
func (e *CloseError) NotAuthorized() bool { return e.Code == codeNotAuthorized }

// Prohibited tells whether a policy or a proxy refused, whatever roles the account has.
func (e *CloseError) Prohibited() bool {
	return e.Code == codeProhibitedByPolicy || e.Status == http.StatusForbidden
}

// NotFound tells whether there is no such instance, or no such zone.
func (e *CloseError) NotFound() bool {
	return e.Code == codeLookupFailed || e.Code == codeLookupFailedAgain || e.Status == http.StatusNotFound
}

// NotConnected tells whether the relay was refused by the instance.
func (e *CloseError) NotConnected() bool { return e.Code == codeConnectFailed }

// Unwrap returns the kind of the error; see package fault.
func (e *CloseError) Unwrap() error {
	switch {
	case e.NotAuthorized(), e.Prohibited():
		return fault.NoAccess
	case e.NotFound():
		return fault.NotFound
	case e.NotConnected():
		return fault.Unavailable
	case e.Status == http.StatusUnauthorized:
		return fault.TokenRefused
	}
	switch e.Code {
	case codeUnknown, codeReauthenticate, int(websocket.StatusGoingAway), int(websocket.StatusAbnormalClosure),
		int(websocket.StatusInternalError), int(websocket.StatusServiceRestart), int(websocket.StatusTryAgainLater):
		return fault.ProviderBusy
	}
	return fault.Failed
}

// Remedy says what to do next.
func (e *CloseError) Remedy() fault.Remedy {
	switch {
	case e.NotAuthorized():
		return fault.Ask.To("an administrator of the project", "for the role "+roleResourceAccessor)
	case e.Prohibited():
		return fault.Ask.To("an administrator", "which policy or proxy prohibits TCP forwarding")
	case e.NotConnected():
		return fault.Say("start what listens there, or allow TCP from " + firewallRange + " to the port in a firewall rule of the network")
	case e.NotFound():
		return fault.Say("check the names of the instance, the zone and the project")
	case e.Status == http.StatusUnauthorized:
		return fault.SignIn.On("")
	}
	return fault.Remedy{}
}

// linkError is what ended a link: the relay's word, an error that says already what it
// is, or a connection that broke.
func (t *target) linkError(err error) error {
	var ce websocket.CloseError
	switch {
	case errors.As(err, &ce):
		return &CloseError{Target: t.String(), Code: int(ce.Code), Reason: ce.Reason}
	case errors.As(err, new(*fault.Error)):
		return err
	}
	return t.unreachable(err)
}

// unreachable is a relay that cannot be reached. An io.EOF in err is that of the link,
// and not to be taken for the connection's.
func (t *target) unreachable(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) { // which quotes the whole address
		err = ue.Err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &fault.Error{Subject: "the relay " + t.connect.Host, Kind: fault.Offline, Err: err}
}

// resumable tells whether a connection may go on after err.
func resumable(err error) bool { return fault.Temporary(err) && !errors.Is(err, fault.Unavailable) }

// isEnd tells whether the other side closed the connection in order.
func (e *CloseError) isEnd() bool {
	return e.Code == int(websocket.StatusNormalClosure) || e.Code == codeReadFailed || e.Code == codeWriteFailed
}
