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

// NumericDate reads a NumericDate (RFC 7519 section 2); what cannot be a date in the
// next millennia gives the zero time.
func NumericDate(f float64) time.Time {
	if !(f > 0 && f < 1e11) {
		return time.Time{}
	}
	sec, frac := math.Modf(f)
	return time.Unix(int64(sec), int64(frac*1e9))
}
