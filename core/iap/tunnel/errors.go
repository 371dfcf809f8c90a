package tunnel

import (
	"errors"
	"fmt"

	"github.com/coder/websocket"
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
	httpStatusUnauthorized = 401
	httpStatusForbidden    = 403
	httpStatusNotFound     = 404
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
	case httpStatusUnauthorized:
		return "the relay does not take this access token"
	case httpStatusForbidden:
		return "refused before IAP looked at the account's roles, as by a proxy or a policy"
	case httpStatusNotFound:
		return "there is no such zone, region or network"
	}
	return "the relay ended the connection"
}

// An UnreachableError is a relay that could not be asked. The same may work later.
type UnreachableError struct {
	Host string
	Err  error
}

func (e *UnreachableError) Error() string {
	return "the relay " + e.Host + " cannot be reached: " + e.Err.Error()
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// closedWith returns the relay's word in err, or nil when the WebSocket just broke.
func closedWith(t *target, err error) *CloseError {
	var ce websocket.CloseError
	if !errors.As(err, &ce) {
		return nil
	}
	return &CloseError{Target: t.String(), Code: int(ce.Code), Reason: ce.Reason}
}

// ends tells whether a connection is over with err: by the relay's word, or since it
// does not speak the protocol. All else may be resumed.
func ends(t *target, err error) bool {
	if errors.As(err, new(*ProtocolError)) {
		return true
	}
	ce := closedWith(t, err)
	if ce == nil {
		return false
	}
	switch ce.Code {
	case int(websocket.StatusGoingAway), int(websocket.StatusAbnormalClosure), int(websocket.StatusInternalError),
		int(websocket.StatusServiceRestart), int(websocket.StatusTryAgainLater), codeUnknown, codeReauthenticate:
		return false
	}
	return true
}

// isEnd tells whether the other side closed the connection in order.
func (e *CloseError) isEnd() bool {
	return e.Code == int(websocket.StatusNormalClosure) || e.Code == codeReadFailed || e.Code == codeWriteFailed
}
