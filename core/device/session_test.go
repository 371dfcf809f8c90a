package device_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/device"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// A box is a store for one document, of a session that is alone with it.
type box struct{ record *core.Record }

func (b *box) Load(context.Context, string) (core.Record, error) {
	if b.record == nil {
		return core.Record{}, core.ErrNotFound
	}
	return *b.record, nil
}

func (b *box) Save(_ context.Context, _ string, r core.Record) (core.Record, error) {
	r.Revision += "+"
	b.record = &r
	return r, nil
}

func (b *box) Delete(context.Context, string) error {
	b.record = nil
	return nil
}

func (w *world) session() (*core.Session, *box) {
	w.t.Helper()
	store := &box{}
	s, err := core.NewSession(core.SessionOptions{Store: store, Client: w.client, Flow: device.New(device.Options{})})
	if err != nil {
		w.t.Fatal(err)
	}
	return s, store
}

// behindIAP returns the status of a request to the service behind IAP.
func (w *world) behindIAP(token core.Secret) int {
	w.t.Helper()
	r, err := http.NewRequest("GET", w.google.IAPURL()+"/whoami", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	res, err := w.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// A session that was made on another machine is one like any other: it refreshes,
// and its tokens pass IAP where the device client is on the allowlist.
func TestSession(t *testing.T) {
	inWorld(t, emulator.Options{AllowedClients: []string{tvID}}, func(t *testing.T, w *world) {
		s, _ := w.session()
		defer s.Close()
		w.at(6*time.Second, w.agree)
		st, err := s.SignIn(t.Context(), w)
		if err != nil || st.State != core.SignedIn || st.Email != ada || st.ClientID != tvID {
			t.Fatalf("status is %+v, %v", st, err)
		}
		first, err := s.IDToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		second, err := s.IDToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		claims, err := oidc.ParseClaims(second.Value)
		if err != nil || second.Value == first.Value || !slices.Equal(claims.Audience, []string{tvID}) {
			t.Errorf("claims after a refresh are %+v, %v", claims, err)
		}
		if got := w.behindIAP(second.Value); got != 200 {
			t.Errorf("IAP answers %d", got)
		}
		w.google.SetAllowedClients([]string{w.google.Clients()[0].ID}) // the desktop client alone
		if got := w.behindIAP(second.Value); got != 401 {
			t.Errorf("IAP answers %d to a client that is not on its list", got)
		}
	})
}

// The ID token is checked as that of any sign-in, but that there is no nonce.
func TestForgedTokens(t *testing.T) {
	for name, tt := range map[string]struct {
		claim  string
		change func(header, claims map[string]any)
	}{
		"another audience":           {"aud", func(_, c map[string]any) { c["aud"] = "other" }},
		"another issuer":             {"iss", func(_, c map[string]any) { c["iss"] = oidc.GoogleIssuer }},
		"not verified":               {"email", func(_, c map[string]any) { c["email_verified"] = false }},
		"another access token":       {"at_hash", func(_, c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }},
		"a nonce of another sign-in": {"nonce", func(_, c map[string]any) { c["nonce"] = "planted" }},
		"a key of the wrong type":    {"signature", func(h, _ map[string]any) { h["alg"] = "ES256" }},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
				w.google.SetIDTokenClaims(tt.change)
				s, store := w.session()
				defer s.Close()
				w.at(6*time.Second, w.agree)
				_, err := s.SignIn(t.Context(), w)
				if e := errorAs[*oidc.ClaimError](t, err); e.Claim != tt.claim {
					t.Errorf("error is %v", err)
				}
				if store.record != nil {
					t.Error("a session was stored")
				}
				w.wantPolls(5, 10)
			})
		})
	}
}
