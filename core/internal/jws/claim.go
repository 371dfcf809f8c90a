package jws

import (
	"encoding/json"
	"math"
	"time"
)

// Some claims are written in more than one way. Here they are read.

// Audience is one string or a list of them (RFC 7519 section 4.1.3).
type Audience []string

// UnmarshalJSON implements [json.Unmarshaler].
func (a *Audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = Audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// IsTrue reads email_verified, which some providers send as a string.
func IsTrue(raw []byte) bool { return string(raw) == "true" || string(raw) == `"true"` }

// Number reads a JSON number, also one that is written as a string, as x/oauth2 and
// go-oidc do. ok is false for anything else; null is nothing, and gives 0.
func Number(raw []byte) (f float64, ok bool) {
	var n json.Number // takes a string when there is a number in it
	if len(raw) == 0 || json.Unmarshal(raw, &n) != nil {
		return 0, len(raw) == 0
	}
	if n == "" {
		return 0, true
	}
	f, err := n.Float64()
	return f, err == nil
}

// NumericDate reads a NumericDate (RFC 7519 section 2); what cannot be a date in the
// next millennia gives the zero time.
func NumericDate(f float64) time.Time {
	if !(f > 0 && f < 1e11) {
		return time.Time{}
	}
	sec, frac := math.Modf(f)
	return time.Unix(int64(sec), int64(frac*1e9))
}
