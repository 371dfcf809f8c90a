package emulator_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

func startDevice(t *testing.T) (*emulator.Emulator, *emulatortest.Clock) {
	c := newClock()
	return start(t, emulator.Options{Now: c.Now, AutoConsent: user, Clients: []emulator.Client{
		{ID: "tv", Secret: "tv-secret", Type: emulator.LimitedInput}, {ID: "tv2", Secret: "s", Type: emulator.LimitedInput}}}), c
}

func deviceCode(t *testing.T, e *emulator.Emulator) answer {
	t.Helper()
	a := post(t, e.GoogleURL()+"/device/code", url.Values{"client_id": {"tv"}, "scope": {"openid email"}})
	if a.status != 200 {
		t.Fatalf("device code: %d %s", a.status, a.body)
	}
	return a
}

func poll(t *testing.T, e *emulator.Emulator, device answer) answer {
	t.Helper()
	return post(t, e.GoogleURL()+"/token", url.Values{"grant_type": {deviceGrant}, "client_id": {"tv"},
		"client_secret": {"tv-secret"}, "device_code": {device.str("device_code")}})
}

// Polling faster than the interval is told to slow down, by 5 seconds more for good (RFC 8628 section 3.5).
func TestDevicePolling(t *testing.T) {
	t.Parallel()
	e, clock := startDevice(t)
	d := deviceCode(t, e)
	if d.json["interval"] != 5.0 || d.json["expires_in"] != 1800.0 || d.str("verification_url") != e.GoogleURL()+"/device" {
		t.Errorf("device answer %s", d.body)
	}
	for _, step := range []struct {
		wait   time.Duration
		status int
		code   string
	}{
		{0, 428, "authorization_pending"},
		{5 * time.Second, 428, "authorization_pending"},
		{4 * time.Second, 403, "slow_down"},
		{5 * time.Second, 403, "slow_down"},
		{10 * time.Second, 403, "slow_down"},
		{20 * time.Second, 428, "authorization_pending"},
		{19 * time.Second, 403, "slow_down"},
	} {
		clock.Advance(step.wait)
		wantError(t, poll(t, e, d), step.status, step.code)
	}
	if err := e.ApproveDevice(t.Context(), d.str("user_code"), user); err != nil {
		t.Fatal(err)
	}
	clock.Advance(25 * time.Second)
	a := poll(t, e, d)
	if a.status != 200 || a.str("refresh_token") == "" || claimsOf(t, a.str("id_token"))["aud"] != "tv" {
		t.Fatalf("after consent: %d %s", a.status, a.body)
	}
	if _, ok := claimsOf(t, a.str("id_token"))["nonce"]; ok {
		t.Error("a nonce without a request for one")
	}
	clock.Advance(30 * time.Second)
	wantError(t, poll(t, e, d), 400, "invalid_grant") // once only
	if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+a.str("id_token")); a.status != 200 || a.str("email") != user {
		t.Errorf("IAP: %d %s", a.status, a.body)
	}
}

func TestDeviceEnds(t *testing.T) {
	t.Parallel()
	e, clock := startDevice(t)
	denied := deviceCode(t, e)
	if err := e.DenyDevice(t.Context(), strings.ToLower(denied.str("user_code"))); err != nil {
		t.Fatal(err)
	}
	wantError(t, poll(t, e, denied), 403, "access_denied")
	if err := e.ApproveDevice(t.Context(), denied.str("user_code"), user); err == nil {
		t.Error("a user code worked twice")
	}
	late := deviceCode(t, e)
	clock.Advance(30 * time.Minute)
	wantError(t, poll(t, e, late), 400, "expired_token")
	if err := e.ApproveDevice(t.Context(), late.str("user_code"), user); err == nil {
		t.Error("an expired user code worked")
	}
}

func TestDeviceRefusals(t *testing.T) {
	t.Parallel()
	e, _ := startDevice(t)
	ask := func(client, scope string) answer {
		return post(t, e.GoogleURL()+"/device/code", url.Values{"client_id": {client}, "scope": {scope}})
	}
	wantError(t, ask(e.Clients()[0].ID, "openid"), 401, "invalid_client") // a kind of its own
	wantError(t, ask("nobody", "openid"), 401, "invalid_client")
	wantError(t, ask("tv", "openid offline_access"), 400, "invalid_scope")
	wantError(t, ask("tv", ""), 400, "invalid_request")
	d := deviceCode(t, e)
	form := url.Values{"grant_type": {deviceGrant}, "client_id": {"tv2"}, "client_secret": {"s"}, "device_code": {d.str("device_code")}}
	wantError(t, post(t, e.GoogleURL()+"/token", form), 400, "invalid_grant")
	form.Del("client_secret")
	wantError(t, post(t, e.GoogleURL()+"/token", form), 400, "invalid_request")

	page := call(t, "GET", e.GoogleURL()+"/device", "")
	if page.status != 200 || !strings.Contains(page.body, `<label for="user_code">`) {
		t.Errorf("device page: %d", page.status)
	}
	wrong := post(t, e.GoogleURL()+"/device", url.Values{"user_code": {"<b>"}})
	if wrong.status != 400 || strings.Contains(wrong.body, "<b>") {
		t.Errorf("wrong user code: %d", wrong.status)
	}
}
