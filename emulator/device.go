package emulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	deviceLifetime = 30 * time.Minute
	// pollSlack forgives a poll that the network made a little early.
	pollSlack = 500 * time.Millisecond
)

// deviceScopes are all that Google gives to limited-input devices.
// https://developers.google.com/identity/protocols/oauth2/limited-input-device#allowedscopes
var deviceScopes = []string{"openid", "email", "profile", "https://www.googleapis.com/auth/drive.appdata",
	"https://www.googleapis.com/auth/drive.file", "https://www.googleapis.com/auth/youtube",
	"https://www.googleapis.com/auth/youtube.readonly"}

// deviceRequest is a device that waits for its person (RFC 8628).
type deviceRequest struct {
	client   Client
	scopes   []string
	userCode string
	interval time.Duration
	lastPoll time.Time
	end      time.Time
	grant    *grant // set once somebody agreed
	denied   bool
}

type devices struct {
	mu     sync.Mutex
	byCode expiring[*deviceRequest] // by device code
	byUser expiring[*deviceRequest] // by user code, letters only
}

// serveDeviceCode is RFC 8628 section 3.1, with Google's name for the URL.
func (e *Emulator) serveDeviceCode(w http.ResponseWriter, r *http.Request) {
	form, refused := postedForm(r)
	if refused != nil {
		refused.write(w)
		return
	}
	p, scopes := e.provider(), parseScopes(form.Get("scope"))
	client, refused := e.deviceClient(r, form, p.DeviceAuth)
	if refused == nil {
		refused = checkDeviceScopes(scopes, len(p.DeviceAuth) > 0)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	deviceCode, d := e.addDevice(client, scopes)
	if by, ok := e.account(setting(e, func(s *settings) string { return s.deviceConsent })); ok {
		e.decideDevice(d, by, true)
	}
	page := "verification_url" // Google's name
	if len(p.DeviceAuth) > 0 {
		page = "verification_uri"
	}
	noStore(w)
	writeJSON(w, http.StatusOK, map[string]any{
		"device_code": deviceCode,
		"user_code":   d.userCode,
		"expires_in":  int(deviceLifetime / time.Second),
		"interval":    int(d.interval / time.Second),
		page:          e.google.url + pathDevicePage,
	})
}

// deviceClient is who asks for a device code. Google wants a client of a kind of its own, and no secret.
func (e *Emulator) deviceClient(r *http.Request, form url.Values, methods []string) (Client, *refusal) {
	if len(methods) > 0 {
		return e.authenticateClient(r, form, methods)
	}
	client, ok := e.client(form.Get("client_id"))
	if !ok || client.Type != LimitedInput {
		return Client{}, refuse(401, "invalid_client", "Only clients of type 'TVs and Limited Input devices' can use this flow.")
	}
	return client, nil
}

func checkDeviceScopes(scopes []string, all bool) *refusal {
	if len(scopes) == 0 {
		return refuse(400, "invalid_request", "Missing required parameter: scope")
	}
	for _, s := range scopes {
		if !all && !slices.Contains(deviceScopes, s) {
			return refuse(400, "invalid_scope", "Invalid device flow scope: "+s)
		}
	}
	return nil
}

func (e *Emulator) addDevice(client Client, scopes []string) (string, *deviceRequest) {
	now := e.now()
	letters := randomLetters(8)
	d := &deviceRequest{
		client: client, scopes: scopes, userCode: letters[:4] + "-" + letters[4:],
		interval: e.opts.DeviceInterval, end: now.Add(deviceLifetime),
	}
	deviceCode := "AH-1Ng" + randomToken(48)
	e.devices.mu.Lock()
	defer e.devices.mu.Unlock()
	// The device code stays known after its end, to be answered with expired_token.
	e.devices.byCode.put(deviceCode, d, now, d.end.Add(24*time.Hour))
	e.devices.byUser.put(letters, d, now, d.end)
	return deviceCode, d
}

// exchangeDevice answers a poll (RFC 8628 section 3.5), with Google's status codes where it is Google.
func (e *Emulator) exchangeDevice(client Client, form url.Values) (map[string]any, *refusal) {
	now := e.now()
	g, refused := e.poll(client, form.Get("device_code"), now)
	if refused != nil {
		if len(e.provider().DeviceAuth) > 0 {
			refused.status = 400
		}
		return nil, refused
	}
	return e.tokens(mint{grant: g}, true, now)
}

func (e *Emulator) poll(client Client, deviceCode string, now time.Time) (*grant, *refusal) {
	e.devices.mu.Lock()
	defer e.devices.mu.Unlock()
	d, ok := e.devices.byCode.get(deviceCode, now)
	switch {
	case !ok || d.client.ID != client.ID:
		return nil, refuse(400, "invalid_grant", "Malformed device code.")
	case !now.Before(d.end):
		return nil, refuse(400, "expired_token", "The device code has expired.")
	case !d.lastPoll.IsZero() && now.Sub(d.lastPoll) < d.interval-pollSlack:
		d.interval += 5 * time.Second // for good, RFC 8628 section 3.5
		d.lastPoll = now
		return nil, refuse(403, "slow_down", "Forbidden")
	}
	d.lastPoll = now
	switch {
	case d.denied:
		return nil, refuse(403, "access_denied", "Forbidden")
	case d.grant == nil:
		return nil, refuse(428, "authorization_pending", "Precondition Required")
	}
	e.devices.byCode.take(deviceCode, now)
	return d.grant, nil
}

// waitingDevice finds a device by the code a person typed: case, spaces and the dash do not matter.
func (e *Emulator) waitingDevice(userCode string) (*deviceRequest, bool) {
	letters := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(userCode))
	e.devices.mu.Lock()
	defer e.devices.mu.Unlock()
	return e.devices.byUser.get(letters, e.now())
}

// decideDevice takes the person's answer, once.
func (e *Emulator) decideDevice(d *deviceRequest, by Account, agreed bool) {
	e.devices.mu.Lock()
	defer e.devices.mu.Unlock()
	e.devices.byUser.take(strings.ReplaceAll(d.userCode, "-", ""), e.now())
	if agreed {
		d.grant = &grant{client: d.client, account: by, scopes: d.scopes}
	} else {
		d.denied = true
	}
}

// serveDevicePage asks for the user code and, given one, for consent.
func (e *Emulator) serveDevicePage(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		e.showDeviceForm(w, http.StatusOK, "")
		return
	}
	form, refused := postedForm(r)
	if refused != nil {
		e.showError(w, &pageError{refused.code, refused.description})
		return
	}
	d, ok := e.waitingDevice(form.Get("user_code"))
	if !ok {
		e.showDeviceForm(w, http.StatusBadRequest, "This code is not known or has expired. Check it and try again.")
		return
	}
	e.showConsent(w, pendingPage{device: d})
}
