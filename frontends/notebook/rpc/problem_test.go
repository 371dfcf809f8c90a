package rpc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/profile"
)

// A says error has a hint of its own.
type says struct {
	error
	hint string
}

func (s says) Hint() string  { return s.hint }
func (s says) Unwrap() error { return s.error }

// What a client reads of each kind is the kind, and something to do next.
func TestEveryKindHasAReasonAndAHint(t *testing.T) {
	for _, row := range fault.Table() {
		p := problemOf(fmt.Errorf("it failed: %w", row.Kind))
		if p.Data.Reason != string(row.Kind) || p.Data.Exception != row.Python || p.Data.Hint == "" && row.Kind != fault.Canceled {
			t.Errorf("%s: %+v", row.Kind, p.Data)
		}
	}
	for _, action := range fault.Actions() {
		p := problemOf(&fault.Error{Kind: fault.BadConfig, Remedy: action.To("SUBJECT", "VALUE")})
		if p.Data.Action != string(action) || p.Data.Subject != "SUBJECT" || p.Data.Value != "VALUE" || p.Data.Hint == "" {
			t.Errorf("%s: %+v", action, p.Data)
		}
	}
}

// TestReasons: each error has one word that a program can go by, and what to do.
func TestReasons(t *testing.T) {
	for _, d := range []struct {
		err    error
		reason string
	}{
		{core.ErrNotConfigured, "not_configured"},
		{&core.SignInNeededError{Cause: core.CauseSignedOut}, "sign_in_needed"},
		{&core.SignInNeededError{Cause: core.CauseRevoked, Err: &oidc.ProviderError{Code: "invalid_grant"}}, "sign_in_needed"},
		{&oidc.ProviderError{Offline: true, Err: errors.New("no route")}, "offline"},
		{&oidc.ProviderError{Code: "invalid_client"}, "client_rejected"},
		{&oidc.ClaimError{Claim: "aud", Problem: "differs"}, "bad_token"},
		{&oidc.ClockError{Claim: "iat"}, "wrong_clock"},
		{context.DeadlineExceeded, "deadline"},
		{core.ErrRenewedRecently, "renewed_recently"},
		{fmt.Errorf("%w: %w", core.ErrNotRevoked, &oidc.ProviderError{}), "not_revoked"},
		{core.ErrInsecure, "insecure"},
		{core.ErrCorrupt, "corrupt"},
		{core.ErrTooLarge, "too_large"},
		{&core.NewerRecordError{}, "newer"},
		{core.ErrLocked, "locked"},
		{core.ErrConflict, "conflict"},
		{core.ErrSealed, "sealed"},
		{core.ErrUnavailable, "unavailable"},
		{core.ErrRefused, "refused"},
		{core.ErrReadOnly, "read_only"},
		{core.ErrBadKey, "bad_key"},
		{&profile.UnknownProfileError{Name: "x"}, "unknown_profile"},
		{&profile.UnknownStoreError{Name: "x"}, "unknown_store"},
		{&profile.ConfigError{Path: "x", Err: fs.ErrPermission}, "bad_config"},
		{&profile.SettingError{Key: "x", Err: fs.ErrInvalid}, "bad_config"},
		{plugins.ErrBadConfig, "bad_config"},
		{&core.Error{Problem: "x", Kind: fault.BadClient}, "bad_client"},
		{context.Canceled, "canceled"},
		{core.ErrClosed, "closed"},
		{errors.New("anything"), "failed"},
	} {
		p := problemOf(fmt.Errorf("it failed: %w", d.err))
		if p.Code != codeServer || p.Data.Reason != d.reason || !strings.HasPrefix(p.Message, "it failed: ") {
			t.Errorf("%T %v: the problem is %+v, %+v; want %s", d.err, d.err, p, p.Data, d.reason)
		}
		if p.Data.Hint == "" && d.reason != "canceled" {
			t.Errorf("%v has no hint", d.err)
		}
	}
}

func TestProblemTexts(t *testing.T) {
	own := says{fmt.Errorf("%w: mode 0644", core.ErrInsecure), "chmod 600 x"}
	if p := problemOf(own); p.Data.Hint != "chmod 600 x" || p.Data.Action != "" {
		t.Errorf("the problem is %+v, %+v", p, p.Data)
	}
	long := problemOf(errors.New("a\nb\x1b[31m\u202e" + strings.Repeat("x", 5000) + "\xff"))
	if strings.ContainsAny(long.Message, "\n\x1b\u202e") || len(long.Message) > 1100 {
		t.Errorf("the message is %q", long.Message)
	}
	mine := failure("locked", "x", "")
	if problemOf(fmt.Errorf("y: %w", mine)) != mine {
		t.Error("a problem is made anew")
	}
}
