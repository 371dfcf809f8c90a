package emulator

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// ServiceAccount is an account of a program.
type ServiceAccount struct {
	Email string
	// Sub is the account's identifier, 21 digits; derived from Email when empty.
	Sub string
	// Impersonators may obtain its tokens at the IAM Service Account Credentials API: e-mail addresses of service
	// accounts, or subjects of [Emulator.WorkloadToken].
	Impersonators []string
}

// serviceKeys are the keys of all service accounts, by key ID.
type serviceKeys struct {
	mu   sync.Mutex
	keys map[string]serviceKey
}

type serviceKey struct {
	account ServiceAccount
	key     *rsa.PrivateKey
	managed bool // Google has it; it signs for signJwt
}

func (o *Options) fillServiceAccounts() error {
	o.ServiceAccounts = slices.Clone(o.ServiceAccounts)
	for i := range o.ServiceAccounts {
		a := &o.ServiceAccounts[i]
		if !strings.Contains(a.Email, "@") {
			return fmt.Errorf("emulator: service account %q is not an e-mail address", a.Email)
		}
		a.Sub = cmp.Or(a.Sub, subjectOf(a.Email))
	}
	return nil
}

func (e *Emulator) serviceAccount(email string) (ServiceAccount, bool) {
	i := slices.IndexFunc(e.opts.ServiceAccounts, func(a ServiceAccount) bool { return sameEmail(a.Email, email) })
	if i < 0 {
		return ServiceAccount{}, false
	}
	return e.opts.ServiceAccounts[i], true
}

// ServiceAccountKey makes a key of a service account and returns it as the file that Google's console offers for
// download. It points at the emulator.
func (e *Emulator) ServiceAccountKey(email string) ([]byte, error) {
	a, ok := e.serviceAccount(email)
	if !ok {
		return nil, fmt.Errorf("emulator: there is no service account %q", email)
	}
	id, key, err := e.serviceKeys.add(a, false)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("emulator: write a key: %w", err)
	}
	return json.MarshalIndent(map[string]any{
		"type":                        "service_account",
		"project_id":                  projectID,
		"private_key_id":              id,
		"private_key":                 string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email":                a.Email,
		"client_id":                   a.Sub,
		"auth_uri":                    e.google.url + pathAuthorize,
		"token_uri":                   e.google.url + pathToken,
		"auth_provider_x509_cert_url": e.google.url + pathJWKS,
		"universe_domain":             "googleapis.com",
	}, "", "  ")
}

// DeleteServiceAccountKeys deletes every key that [Emulator.ServiceAccountKey] made of a service account.
func (e *Emulator) DeleteServiceAccountKeys(email string) {
	e.serviceKeys.mu.Lock()
	defer e.serviceKeys.mu.Unlock()
	maps.DeleteFunc(e.serviceKeys.keys, func(_ string, k serviceKey) bool { return !k.managed && sameEmail(k.account.Email, email) })
}

func (s *serviceKeys) add(a ServiceAccount, managed bool) (string, *rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", nil, fmt.Errorf("emulator: make a key: %w", err)
	}
	id := make([]byte, 20)
	rand.Read(id) // never fails, see crypto/rand
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = map[string]serviceKey{}
	}
	s.keys[hex.EncodeToString(id)] = serviceKey{a, key, managed}
	return hex.EncodeToString(id), key, nil
}

// managed returns Google's own key of an account, and makes it when there is none.
func (s *serviceKeys) managed(a ServiceAccount) (string, *rsa.PrivateKey, error) {
	s.mu.Lock()
	for id, k := range s.keys {
		if k.managed && k.account.Email == a.Email {
			s.mu.Unlock()
			return id, k.key, nil
		}
	}
	s.mu.Unlock()
	return s.add(a, true)
}

func (s *serviceKeys) find(id string) (serviceKey, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[id]
	return k, ok
}

// machineToken is an ID token of a service account for an audience.
func (e *Emulator) machineToken(a ServiceAccount, audience string, email bool, now time.Time) (string, error) {
	g := &grant{client: Client{ID: audience}, account: Account{Email: a.Email, Sub: a.Sub}}
	if email {
		g.scopes = []string{"email"}
	}
	return e.idToken(mint{grant: g, azp: a.Sub}, now)
}
