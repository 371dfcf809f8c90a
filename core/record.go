package core

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/internal/strictjson"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// recordVersion is the version of the session document that this code writes.
// Fields may be added within a version, since unknown ones survive; a higher
// version is one that this code must not touch.
const recordVersion = 1

// A session document is JSON with the field names of Python tokentoss's
// tokens.json, and more. Either program reads what the other wrote. All secrets
// stay in this type, which is never printed.
type document struct {
	// Python tokentoss's fields.
	AccessToken  string   `json:"access_token"`
	IDToken      string   `json:"id_token"`
	RefreshToken string   `json:"refresh_token"`
	Expiry       string   `json:"expiry"` // of the ID token, RFC 3339
	Scopes       []string `json:"scopes"`
	UserEmail    string   `json:"user_email"`
	CreatedAt    string   `json:"created_at"` // of the sign-in, RFC 3339

	Version    int    `json:"version"`
	Issuer     string `json:"issuer"`
	ClientID   string `json:"client_id"`
	Subject    string `json:"sub"`
	HD         string `json:"hd,omitempty"`
	Username   string `json:"preferred_username,omitempty"`
	Nonce      string `json:"nonce,omitempty"`
	Generation uint64 `json:"generation"`

	// ObtainedAt is this machine's clock when the ID token came; ValidFor is the
	// seconds that it then had left by the provider's clock. Together they tell
	// the token's age also where this machine's clock is wrong.
	ObtainedAt string  `json:"obtained_at,omitempty"`
	ValidFor   float64 `json:"valid_for,omitempty"`

	// Clocks are those of the machines that share the session, where one is wrong.
	Clocks map[string]reading `json:"clocks,omitempty"`

	// AccessExpiry is when the access token expires, by this machine's clock; empty when
	// the provider did not say.
	AccessExpiry string `json:"access_token_expiry,omitempty"`

	// Machine is the name of the machine whose session this is; empty for a person's.
	Machine string `json:"machine,omitempty"`

	// RenewedAt is when a token that a service had refused was last renewed.
	RenewedAt string `json:"renewed_at,omitempty"`

	// RefreshedEarly: the ID token came while the one before was still given out.
	RefreshedEarly bool `json:"refreshed_early,omitempty"`

	// Failure is the last refresh's, if it failed, so that all processes learn
	// of it from one request.
	Failure *failure `json:"refresh_failure,omitempty"`
}

// A stored session is a document together with where it came from.
type stored struct {
	document
	claims   oidc.Claims
	unknown  map[string]json.RawMessage // fields of other programs
	revision string
}

// withToken returns the session with what a request brought.
func (r *stored) withToken(t *Token, claims oidc.Claims, now time.Time, host func() string) *stored {
	next := *r
	if claims.Email == "" && r.Machine == "" { // see decodeRecord
		claims.Email, claims.PreferredUsername = r.claims.Email, cmp.Or(claims.PreferredUsername, r.claims.PreferredUsername)
	}
	next.claims = claims
	next.IDToken, next.AccessToken = t.IDToken.Reveal(), t.AccessToken.Reveal()
	next.Expiry, next.AccessExpiry = formatTime(claims.Expiry), formatTime(t.Expiry)
	next.Generation++
	next.Version, next.Failure = recordVersion, nil
	next.noteTime(host, now, t.ClockOffset)
	return &next
}

// checkClient tells whether the session belongs to a client.
func (r *stored) checkClient(c *oidc.Client) error {
	if r.Machine != "" || r.ClientID != c.ID || !(oidc.Provider{Issuer: c.Issuer()}).Issued(r.Issuer) {
		return &SignInNeededError{Cause: CauseOtherClient, Email: r.account()}
	}
	return nil
}

// account is whose session it is, as a person would say it.
func (r *stored) account() string { return r.claims.Account() }

// state names the session that a refresh starts from: the sign-in, and how often
// it was refreshed since. To note a failure changes the revision, not the state.
func (s *stored) state() string { return s.CreatedAt + " " + strconv.FormatUint(s.Generation, 10) }

// knownFields are the JSON names of document's fields, learnt from itself.
var knownFields = sync.OnceValue(func() map[string]bool {
	b, _ := json.Marshal(document{HD: "-", Username: "-", Nonce: "-", ObtainedAt: "-", AccessExpiry: "-", ValidFor: 1, Clocks: map[string]reading{"-": {}}, Machine: "-", RenewedAt: "-", RefreshedEarly: true, Failure: &failure{}})
	var m map[string]json.RawMessage
	_ = json.Unmarshal(b, &m)
	known := make(map[string]bool, len(m))
	for k := range m {
		known[k] = true
	}
	return known
})

// decodeRecord reads a session document. Its errors wrap [ErrCorrupt], or are a
// [*NewerRecordError].
func decodeRecord(r Record) (*stored, error) {
	s := &stored{revision: r.Revision}
	if !utf8.Valid(r.Data) {
		return nil, fmt.Errorf("%w: the session is not text", ErrCorrupt)
	}
	if err := json.Unmarshal(r.Data, &s.document); err != nil {
		if v := readVersion(r.Data); v > recordVersion {
			return nil, &NewerRecordError{Version: v}
		}
		return nil, fmt.Errorf("%w: the session is not the JSON that it should be%s", ErrCorrupt, strictjson.Position(err))
	}
	if s.Version > recordVersion {
		return nil, &NewerRecordError{Version: s.Version}
	}
	if err := s.checkText(); err != nil {
		return nil, err
	}
	if s.IDToken == "" && s.Machine != "" {
		return s, nil // the first token could not be obtained: see Failure
	}
	if s.IDToken == "" {
		return nil, fmt.Errorf("%w: the session holds no id_token", ErrCorrupt)
	}
	claims, err := oidc.ParseClaims(Secret(s.IDToken))
	if err != nil {
		return nil, fmt.Errorf("%w: the session's id_token cannot be used: %w", ErrCorrupt, err)
	}
	if s.Machine != "" {
		claims = machineClaims(claims)
	}
	// Tokens of a refresh may say less of the person (OpenID Connect Core section 12.2).
	if claims.Email == "" {
		claims.Email, claims.PreferredUsername = s.UserEmail, cmp.Or(claims.PreferredUsername, s.Username)
	}
	s.claims = claims
	// What Python tokentoss did not write is in the ID token.
	if s.Issuer == "" {
		s.Issuer = claims.Issuer
	}
	if s.ClientID == "" && len(claims.Audience) > 0 {
		s.ClientID = claims.Audience[0]
	}
	s.Subject, s.UserEmail, s.Username, s.HD = claims.Subject, claims.Email, claims.PreferredUsername, claims.HostedDomain
	if err := s.checkText(); err != nil { // what the ID token says is as far from here
		return nil, err
	}
	return s, nil
}

// IsDocument tells whether data can be a session document, or what is left of one
// that was cut short or wiped: a store at a place that a person names may meet a file
// of another program there, which it must neither move nor remove.
func IsDocument(data []byte) bool {
	data = bytes.Trim(data, " \t\r\n\x00")
	if len(data) == 0 {
		return true
	}
	if json.Valid(data) {
		return data[0] == '{' && bytes.Contains(data, []byte(`"id_token"`)) // every session has the field
	}
	return data[0] == '{' && (bytes.Contains(data, []byte(`"access_token"`)) || bytes.Contains(data, []byte(`"id_token"`)))
}

// checkText refuses what would write a line of its own wherever it is shown or
// written: a store may be where others can write.
func (d *document) checkText() error {
	if !Secret(d.AccessToken).IsVisible() || !Secret(d.RefreshToken).IsVisible() {
		return fmt.Errorf("%w: the session holds a token with characters that no token has", ErrCorrupt)
	}
	texts := append([]string{d.UserEmail, d.Username, d.Subject, d.HD, d.Issuer, d.ClientID, d.Machine}, d.Scopes...)
	if f := d.Failure; f != nil {
		texts = append(texts, string(f.Cause), f.Host, f.Code, f.Sub, f.Text, f.Next, f.Claim)
	}
	for _, text := range texts {
		if err := CheckLine(text); err != nil {
			return fmt.Errorf("%w: the session holds text with control characters", ErrCorrupt)
		}
	}
	return nil
}

// readVersion reads the version of a document whose other fields may be of any
// form.
func readVersion(data []byte) int {
	var d struct {
		Version int `json:"version"`
	}
	if json.Unmarshal(data, &d) != nil {
		return 0
	}
	return d.Version
}

// A NewerRecordError is a session that a newer tokentoss wrote in a form that
// this one does not know. It is left alone.
type NewerRecordError struct{ Version int }

func (e *NewerRecordError) Error() string {
	return fmt.Sprintf("the session has format version %d; this tokentoss knows version %d", e.Version, recordVersion)
}

// Is makes errors.Is(err, fault.Newer) true.
func (e *NewerRecordError) Is(target error) bool { return target == fault.Newer }

// encode returns the record to save, with the fields of other programs in it.
func (s *stored) encode() (Record, error) {
	own, err := json.Marshal(s.document)
	if err != nil {
		return Record{}, err
	}
	all := maps.Clone(s.unknown)
	if all == nil {
		all = make(map[string]json.RawMessage)
	}
	if err := json.Unmarshal(own, &all); err != nil {
		return Record{}, err
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return Record{}, err
	}
	return Record{Data: append(data, '\n'), Revision: s.revision}, nil
}

// keepUnknown takes over, from the document that is about to be replaced, the
// fields that this code does not know. It is done when saving, not when loading,
// which happens a thousand times as often.
func (s *stored) keepUnknown(old Record) {
	var all map[string]json.RawMessage
	if json.Unmarshal(old.Data, &all) != nil {
		return
	}
	known := knownFields()
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return known[name] })
	s.unknown = all
}

// formatTime formats a time so that Python's datetime.fromisoformat reads it too.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000+00:00")
}

// parseTime reads what formatTime or Python's isoformat wrote; Python's times
// without a zone are UTC. What is no time gives the zero time.
func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		// Not time.Parse, which would read the local time zone's file.
		if t, err := time.ParseInLocation(layout, s, time.UTC); err == nil {
			return t
		}
	}
	return time.Time{}
}
