package rpc

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/profile"
)

// maxText is the length of a message or a hint, in characters.
const maxText = 1000

// reasons are the errors that have one, in the order in which they are found, and
// what to do where an error does not say it itself.
var reasons = []struct {
	is     error
	reason string
	hint   string
}{
	{core.ErrNotConfigured, "not_configured", "set an OAuth client: tokentoss configure --from client_secrets.json, or the widget"},
	{core.ErrSignInNeeded, "sign_in_needed", "sign in: with the widget, or by tokentoss login"},
	{core.ErrRenewedRecently, "renewed_recently", "the service wants something else than a newer token: is this account allowed there?"},
	{core.ErrNotRevoked, "not_revoked", "end it in your account's security settings, if it matters"},
	{core.ErrClosed, "cancelled", ""},
	{core.ErrInsecure, "insecure", "sign in anew, which sets the file aside, or make it private"},
	{core.ErrCorrupt, "corrupt", "sign in anew, which sets the document aside"},
	{core.ErrTooLarge, "corrupt", "sign in anew, which sets the document aside"},
	{core.ErrReadOnly, "read_only", "make room, or make the place writable"},
	{core.ErrSealed, "sealed", "unlock it by tokentoss status in a terminal, then open the session anew"},
	{core.ErrLocked, "locked", "try again in a moment"},
	{core.ErrConflict, "locked", "try again in a moment"},
	{core.ErrRefused, "unavailable", "tokentoss doctor in a terminal"},
	{core.ErrUnavailable, "unavailable", "tokentoss doctor in a terminal"},
	{plugins.ErrBadConfig, "bad_config", "edit " + profile.ConfigName},
	{core.ErrBadKey, "unknown_profile", "tokentoss profile list in a terminal"},
	{context.Canceled, "cancelled", ""},
	{context.DeadlineExceeded, "refresh_failed", "try again in a moment"},
}

// problemOf returns what the client is told of err.
func problemOf(err error) *Problem {
	var own *Problem
	if errors.As(err, &own) {
		return own
	}
	reason, hint := reasonOf(err)
	var says interface{ Hint() string }
	if errors.As(err, &says) && says.Hint() != "" {
		hint = says.Hint()
	}
	// Some errors have the hint in them, for programs that show none.
	text := strings.Replace(err.Error(), "; "+hint, "", 1)
	return failure(reason, plain(text), plain(hint))
}

// reasonOf returns the reason for err, and what to do.
func reasonOf(err error) (reason, hint string) {
	var (
		secrets  *oidc.ClientSecretsError
		newer    *core.NewerRecordError
		profiles *profile.UnknownProfileError
		store    *profile.UnknownStoreError
		config   *profile.ConfigError
		setting  *profile.SettingError
		provider *oidc.ProviderError
		claim    *oidc.ClaimError
		clock    *oidc.ClockError
	)
	switch {
	case errors.As(err, &secrets):
		return "bad_client", secrets.Hint
	case errors.As(err, &newer):
		return "corrupt", "install the newer tokentoss, or tokentoss logout --local to begin anew"
	case errors.As(err, &profiles):
		return "unknown_profile", "tokentoss profile add " + profiles.Name
	case errors.As(err, &store):
		return "unknown_store", "tokentoss store list in a terminal"
	case errors.As(err, &config), errors.As(err, &setting):
		return "bad_config", "edit " + profile.ConfigName
	}
	for _, r := range reasons {
		if errors.Is(err, r.is) {
			return r.reason, r.hint
		}
	}
	switch {
	case errors.As(err, &clock):
		return "refresh_failed", "set the clock of this machine"
	case errors.As(err, &provider) && provider.Temporary():
		return "refresh_failed", "the session is kept; try again in a moment"
	case errors.As(err, &provider), errors.As(err, &claim):
		return "refresh_failed", "tokentoss doctor in a terminal"
	}
	return "internal", "tokentoss doctor in a terminal"
}

// plain makes one line of a text, and cuts a long one.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	if r := []rune(text); len(r) > maxText {
		return string(r[:maxText]) + "…"
	}
	return text
}
