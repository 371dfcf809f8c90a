package googleid

import "github.com/tokentoss/tokentoss/core/fault"

// A Reason says in one word why a token is refused.
type Reason string

// The reasons of a [TokenError].
const (
	Malformed      Reason = "malformed"       // not a JSON Web Token, or claims of odd types
	WrongAlgorithm Reason = "wrong_algorithm" // not the one of this kind of token
	UnknownKey     Reason = "unknown_key"     // signed with a key that Google does not have
	WrongSignature Reason = "wrong_signature"
	WrongIssuer    Reason = "wrong_issuer"
	WrongAudience  Reason = "wrong_audience"
	Expired        Reason = "expired"
	NotYetValid    Reason = "not_yet_valid" // iat or nbf lies in the future
	TooLongLived   Reason = "too_long_lived"
	Incomplete     Reason = "incomplete" // a claim that must be there is missing
)

// A TokenError is a token that must not be believed. It holds no part of the
// token but claims that Google has signed.
type TokenError struct {
	Reason  Reason
	Problem string // in words
}

func (e *TokenError) Error() string { return "token refused: " + e.Problem }

// A KeysError means that Google's keys are not to be had, so that no token can be
// verified. It says nothing about the token.
type KeysError struct {
	Host    string // who was asked
	Problem string
	Err     error // the network's error, if it was that
}

func (e *KeysError) Error() string {
	text := "the keys to verify tokens with are not to be had: " + e.Host + ": " + e.Problem
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *KeysError) Unwrap() error { return e.Err }

// Remedy says what to do next.
func (e *KeysError) Remedy() fault.Remedy {
	return fault.Say("allow this machine to reach %s by https", e.Host)
}
