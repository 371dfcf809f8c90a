package profile

import (
	"strings"
	"testing"
)

// TestUnknownKeys: a typing mistake is an error that says what may have been meant.
func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[store.etcd]\nprefix = '/x'\n":     `there is no table "store.etcd"; did you mean "stores.etcd"?`,
		"store.etcd.prefix = '/x'\n":        `did you mean "stores.etcd.prefix"?`,
		"[frontend.http]\nport = 1\n":       `did you mean "frontends.http"?`,
		"[profile.lab]\nissuer = 'x'\n":     `did you mean "profiles.lab"?`,
		"isuer = 'x'\n":                     `there is no setting "isuer"; did you mean "issuer"?`,
		"\nscope = ['x']\n":                 `line 2: there is no setting "scope"; did you mean "scopes"?`,
		"[profiles.lab]\nsesion_lifetime=1": `did you mean "profiles.lab.session_lifetime"?`,
		"[profiles.lab.stores.etcd]\n":      `did you mean "stores.etcd"?`,
		"[stors.etcd]\n":                    `did you mean "stores.etcd"?`,
		"completely_else = 1\n":             `there is no setting "completely_else"`,
		"issuer = 1\n":                      `issuer wants a string`,
	} {
		_, err := parseConfig([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(want, "did you mean") && strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}
