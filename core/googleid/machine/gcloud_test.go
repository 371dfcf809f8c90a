package machine_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/googleid/machine"
	"github.com/tokentoss/tokentoss/emulator"
)

const person = "user@example.com"

// person returns gcloud's own credentials of a person.
func (w *world) person() []byte {
	w.t.Helper()
	data, err := w.e.AuthorizedUser(person)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func (w *world) impersonated(source []byte, account string, delegates ...string) []byte {
	w.t.Helper()
	data, err := w.e.ImpersonatedServiceAccount(source, account, delegates...)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

// What gcloud writes for a person and for an impersonation can act for a service
// account; whose tokens IAP would not take says what works instead.
func TestGcloudsCredentialsActForServiceAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := w.e.ServiceAccountKey(robot)
	if err != nil {
		t.Fatal(err)
	}
	site := w.e.IAPURL() + "/*"
	for name, tt := range map[string]struct {
		data []byte
		o    machine.Options
	}{
		"a person's":                     {w.person(), machine.Options{Flow: machine.Impersonation, Account: deploy}},
		"a person's, to sign":            {w.person(), machine.Options{Flow: machine.SignedJWT, Account: deploy, Audience: site}},
		"an impersonation":               {w.impersonated(w.person(), deploy), machine.Options{Flow: machine.Impersonation}},
		"an impersonation through one":   {w.impersonated(w.person(), deploy, locked), machine.Options{Flow: machine.Impersonation}},
		"an impersonation by a key":      {w.impersonated(key, deploy), machine.Options{Flow: machine.Impersonation}},
		"an impersonation by a job":      {w.impersonated(w.e.ExternalAccount(robot, w.file("subject", []byte(w.workload()), 0o600)), deploy), machine.Options{Flow: machine.Impersonation}},
		"an impersonation, to sign":      {w.impersonated(w.person(), deploy), machine.Options{Flow: machine.SignedJWT, Audience: site}},
		"an impersonation, said as well": {w.impersonated(w.person(), locked), machine.Options{Flow: machine.Impersonation, Account: deploy}},
	} {
		tt.o.KeyFile = w.file("adc.json", tt.data, 0o600)
		token, err := w.signIn(tt.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		claims := claimsOf(t, token.IDToken.Reveal())
		if claims["email"] != deploy && claims["iss"] != deploy {
			t.Errorf("%s: the token is %v's", name, claims)
		}
	}
	for name, tt := range map[string]struct {
		data []byte
		o    machine.Options
		want string
	}{
		"a person's as a key":        {w.person(), machine.Options{Flow: machine.ServiceAccount}, `flow = "impersonation"`},
		"an impersonation as a key":  {w.impersonated(w.person(), deploy), machine.Options{Flow: machine.ServiceAccount}, `flow = "impersonation"`},
		"a key as a federation":      {key, machine.Options{Flow: machine.WorkloadIdentity}, `flow = "service_account"`},
		"a federation as a key":      {w.e.ExternalAccount(deploy, "/x"), machine.Options{Flow: machine.ServiceAccount}, `flow = "workload_identity"`},
		"an impersonation of itself": {w.impersonated(w.impersonated(w.person(), deploy), deploy), machine.Options{Flow: machine.Impersonation}, ""},
	} {
		tt.o.KeyFile = w.file("adc.json", tt.data, 0o600)
		_, err := w.signIn(tt.o)
		var ke *machine.KeyFileError
		if !errors.As(err, &ke) || !strings.Contains(ke.Next, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = w.signIn(machine.Options{Flow: machine.Impersonation, KeyFile: w.file("adc.json", w.person(), 0o600)})
	if oe := (*machine.OptionError)(nil); !errors.As(err, &oe) || oe.Name != "service_account" {
		t.Errorf("nobody to become: %v", err)
	}
}

// Gcloud's credentials that have ended say how to make new ones, and show nothing.
func TestGcloudsCredentialsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("adc.json", w.person(), 0o600)
	w.e.RevokeAll()
	_, err := w.signIn(machine.Options{Flow: machine.Impersonation, KeyFile: path, Account: deploy})
	wantProvider(t, "ended", err, "invalid_grant", "gcloud auth application-default login")
	if strings.Contains(err.Error(), "1//") {
		t.Errorf("%v", err)
	}
}

// Credentials of an impersonation that would send a token elsewhere are not used.
func TestImpersonationElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := string(w.impersonated(w.person(), deploy))
	var parsed struct {
		URL string `json:"service_account_impersonation_url"`
	}
	if err := json.Unmarshal([]byte(good), &parsed); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"", "https://evil.example/v1/projects/-/serviceAccounts/a@b:x", "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b/../c:x", "https://iamcredentials.googleapis.com/"} {
		data := strings.Replace(good, parsed.URL, to, 1)
		_, err := w.signIn(machine.Options{Flow: machine.Impersonation, KeyFile: w.file("adc.json", []byte(data), 0o600)})
		if !errors.As(err, new(*machine.KeyFileError)) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if n := w.e.Calls(emulator.Token); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// A key is taken as editors, variables and CI services leave it.
func TestKeysAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, err := w.e.ServiceAccountKey(robot)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(good, &fields); err != nil {
		t.Fatal(err)
	}
	pem := fields["private_key"].(string)
	with := func(key string) []byte {
		fields["private_key"] = key
		b, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, data := range map[string][]byte{
		"escaped twice":      with(strings.ReplaceAll(pem, "\n", `\n`)),
		"Windows' line ends": with(strings.ReplaceAll(pem, "\n", "\r\n")),
		"both":               with(strings.ReplaceAll(pem, "\n", `\r\n`)),
		"spaces":             with(strings.ReplaceAll(pem, "\n", " ")),
		"one line":           with(strings.ReplaceAll(pem, "\n", "")),
		"no last line end":   with(strings.TrimSpace(pem)),
		"indented":           with("  " + strings.ReplaceAll(pem, "\n", "\n  ")),
	} {
		for _, flow := range []string{machine.ServiceAccount, machine.Impersonation, machine.SignedJWT} {
			o := machine.Options{Flow: flow, KeyFile: w.file("key.json", data, 0o600)}
			switch flow {
			case machine.Impersonation:
				o.Account = deploy
			case machine.SignedJWT:
				o.Audience = w.e.IAPURL() + "/*"
			}
			if _, err := w.signIn(o); err != nil {
				t.Errorf("%s, %s: %v", name, flow, err)
			}
		}
	}
}

// workload returns the token of a CI job.
func (w *world) workload() string {
	w.t.Helper()
	token, err := w.e.WorkloadToken(job)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// claimsOf reads a token's claims.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err != nil || json.Unmarshal(data, &claims) != nil {
		t.Fatal("the token has no claims")
	}
	return claims
}
