package emulator

import (
	"slices"
	"sync"
	"time"
)

// settings are what a test changes while the emulator runs.
type settings struct {
	mu sync.Mutex
	knobs
}

type knobs struct {
	accounts       []Account
	offset         time.Duration
	lifetime       time.Duration
	rotate         bool
	autoConsent    string
	deviceConsent  string
	allowedEmails  []string
	allowedClients []string
	tunnelUsers    []string
	claims         func(header, claims map[string]any)
	answer         func(grantType string, answer map[string]any)
	hmacKey        []byte
	provider       Provider
	policy         IAPPolicy
	policyCalls    int
}

// knobs returns what a run begins with.
func (o Options) knobs() knobs {
	return knobs{
		accounts: slices.Clone(o.Accounts), lifetime: o.TokenLifetime, rotate: o.RotateRefreshTokens,
		autoConsent: o.AutoConsent, deviceConsent: o.DeviceConsent, provider: o.Provider,
		allowedEmails: slices.Clone(o.AllowedEmails), allowedClients: slices.Clone(o.AllowedClients), tunnelUsers: slices.Clone(o.TunnelUsers),
	}
}

// Reset takes back every change since Start: settings, faults, accounts, and counts. What was given out stays good, and keys stay.
func (e *Emulator) Reset() {
	e.set(func(s *settings) { s.knobs = e.opts.knobs() })
	e.SetRelayFault(RelayFault{})
	e.ledger.mu.Lock()
	defer e.ledger.mu.Unlock()
	e.ledger.faults = nil
	e.ledger.reset()
}

// set changes settings under their lock.
func (e *Emulator) set(change func(*settings)) {
	e.settings.mu.Lock()
	defer e.settings.mu.Unlock()
	change(&e.settings)
}

// setting reads one value under the lock.
func setting[V any](e *Emulator, read func(*settings) V) V {
	e.settings.mu.Lock()
	defer e.settings.mu.Unlock()
	return read(&e.settings)
}

func (e *Emulator) now() time.Time {
	return e.opts.Now().Add(setting(e, func(s *settings) time.Duration { return s.offset }))
}

// SetClockOffset moves the emulator's clock: iat, exp, every lifetime, and the Date header.
func (e *Emulator) SetClockOffset(d time.Duration) { e.set(func(s *settings) { s.offset = d }) }

// SetTokenLifetime is [Options].TokenLifetime for the tokens to come.
func (e *Emulator) SetTokenLifetime(d time.Duration) { e.set(func(s *settings) { s.lifetime = d }) }

// SetRotateRefreshTokens is [Options].RotateRefreshTokens from now on.
func (e *Emulator) SetRotateRefreshTokens(rotate bool) {
	e.set(func(s *settings) { s.rotate = rotate })
}

// SetAutoConsent is [Options].AutoConsent from now on; "" shows the consent page again. The account must be known.
func (e *Emulator) SetAutoConsent(email string) { e.set(func(s *settings) { s.autoConsent = email }) }

// SetDeviceConsent is [Options].DeviceConsent from now on; "" waits for a person again.
func (e *Emulator) SetDeviceConsent(email string) {
	e.set(func(s *settings) { s.deviceConsent = email })
}

// SetAllowedEmails is [Options].AllowedEmails from now on: nil lets every account pass, an empty slice nobody.
func (e *Emulator) SetAllowedEmails(emails []string) {
	e.set(func(s *settings) { s.allowedEmails = slices.Clone(emails) })
}

// SetTunnelUsers is [Options].TunnelUsers from now on: nil admits everybody, an empty slice nobody.
func (e *Emulator) SetTunnelUsers(emails []string) {
	e.set(func(s *settings) { s.tunnelUsers = slices.Clone(emails) })
}

// SetAllowedClients is [Options].AllowedClients from now on: nil allows every client, an empty slice none.
func (e *Emulator) SetAllowedClients(ids []string) {
	e.set(func(s *settings) { s.allowedClients = slices.Clone(ids) })
}

// SetIDTokenClaims lets change see and change every ID token to come before it is signed; nil ends that. A header alg
// of "none" leaves the signature empty, "HS256" signs with [Emulator.SetHMACKey]'s key, "ES256" with IAP's key; a kid
// goes out as it is. change is called from several goroutines at once.
func (e *Emulator) SetIDTokenClaims(change func(header, claims map[string]any)) {
	e.set(func(s *settings) { s.claims = change })
}

// SetHMACKey sets the key for ID tokens whose alg was changed to HS256; nil means the client's secret.
func (e *Emulator) SetHMACKey(key []byte) { e.set(func(s *settings) { s.hmacKey = slices.Clone(key) }) }

// SetTokenAnswer lets change see and change the JSON of every good answer of the token endpoint; nil ends that.
// change is called from several goroutines at once.
func (e *Emulator) SetTokenAnswer(change func(grantType string, answer map[string]any)) {
	e.set(func(s *settings) { s.answer = change })
}
