package cli

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// Whose an unbound session is, the person is told by its ID token, which is what the
// session is used by: the words beside it may be anybody's.
func TestUnboundSessionIsShownByItsToken(t *testing.T) {
	token := func(claims string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(claims)) + ".c2ln"
	}
	const times = `"iss":"https://accounts.google.com","sub":"1","iat":1700000000,"exp":1700003600`
	grace := token(`{` + times + `,"aud":"client","email":"grace@example.com"}`)
	nameless := token(`{` + times + `,"aud":"client"}`)
	for _, c := range []struct {
		token, email, client string
		account              string // empty: refused
	}{
		{grace, "grace@example.com", "client", "grace@example.com"}, {grace, "", "", "grace@example.com"}, {grace, "Grace@Example.com", "client", "grace@example.com"},
		{nameless, "ada@example.com", "client", "ada@example.com"},
		{grace, "ada@example.com", "client", ""}, {grace, "grace@example.com", "mine", ""}, {"", "ada@example.com", "client", ""}, {"a.b.c", "ada@example.com", "client", ""},
	} {
		data, err := json.Marshal(map[string]string{"id_token": c.token, "user_email": c.email, "client_id": c.client})
		if err != nil {
			t.Fatal(err)
		}
		account, client, err := sessionOf(data)
		if c.account == "" {
			if !errors.Is(err, core.ErrCorrupt) {
				t.Errorf("%s: %q, %q, %v", data, account, client, err)
			}
			continue
		}
		if err != nil || account != c.account || client != "client" {
			t.Errorf("%s: %q, %q, %v", data, account, client, err)
		}
	}
}
