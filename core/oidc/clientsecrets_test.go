package oidc_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

const goodClient = `{"installed":{"client_id":"1-x.apps.googleusercontent.com","project_id":"p","auth_uri":"https://accounts.google.com/o/oauth2/auth",` +
	`"token_uri":"https://oauth2.googleapis.com/token","auth_provider_x509_cert_url":"https://www.googleapis.com/oauth2/v1/certs",` +
	`"client_secret":"GOCSPX-y","redirect_uris":["http://localhost"]}}`

// A file that cannot be used is refused with the exact fault and what to do,
// and without its content.
func TestParseClientSecretsFaults(t *testing.T) {
	t.Parallel()
	installed := func(inner string) string { return `{"installed":{` + inner + `}}` }
	for _, tt := range []struct{ name, file, problem string }{
		{"empty", ``, `it is not JSON (at byte 0)`},
		{"HTML", `<html>GOCSPX-y`, `it is not JSON (at byte 1)`},
		{"half", goodClient[:60], `it is not JSON (at byte 60)`},
		{"two", goodClient + goodClient, fmt.Sprintf(`it is not JSON (at byte %d)`, len(goodClient)+1)},
		{"a list", `[]`, `it is not a JSON object`},
		{"text", `"GOCSPX-y"`, `it is not a JSON object`},
		{"null", `null`, `it has neither "installed" nor "web"`},
		{"empty object", `{}`, `it has neither "installed" nor "web"`},
		{"inner object alone", `{"client_id":"x","client_secret":"GOCSPX-y"}`, `it has neither "installed" nor "web"`},
		{"both", `{"installed":{},"web":{}}`, `it has both "installed" and "web"; one client is expected`},
		{"service account", `{"type":"service_account","private_key":"GOCSPX-y"}`, `it is a service-account key, not an OAuth client`},
		{"service account with spaces", `{"type" : "service_account" }`, `it is a service-account key, not an OAuth client`},
		{"gcloud's own", `{"type":"authorized_user","client_id":"x","client_secret":"GOCSPX-y","refresh_token":"1//0z"}`,
			`it holds gcloud's own user credentials, not an OAuth client`},
		{"inner list", `{"installed":[]}`, `"installed" is not a JSON object`},
		{"inner text", `{"web":"GOCSPX-y"}`, `"web" is not a JSON object`},
		{"inner null", `{"installed":null}`, `it has neither "installed" nor "web"`},
		{"no client_id", installed(`"client_secret":"GOCSPX-y"`), `client_id is missing`},
		{"blank client_id", installed(`"client_id":"  ","client_secret":"GOCSPX-y"`), `client_id is missing`},
		{"client_id null", installed(`"client_id":null`), `client_id is missing`},
		{"client_id a number", installed(`"client_id":5`), `installed.client_id is a JSON number, which does not belong there`},
		{"client_secret a list", installed(`"client_id":"x","client_secret":["GOCSPX-y"]`), `installed.client_secret is a JSON array, which does not belong there`},
		{"redirect_uris text", `{"web":{"redirect_uris":"http://localhost"}}`, `web.redirect_uris is a JSON string, which does not belong there`},
		{"no client_secret", installed(`"client_id":"x"`), `client_secret is missing, and Google's token endpoint demands it`},
		{"space in client_id", installed(`"client_id":"x y","client_secret":"z"`), `client_id contains spaces or control characters`},
		{"newline in client_secret", installed(`"client_id":"x","client_secret":"GOCSPX-\ny"`), `client_secret contains spaces or control characters`},
		{"no-break space", installed(`"client_id":"x\u00a0y","client_secret":"z"`), `client_id contains spaces or control characters`},
		{"auth_uri no URL", installed(`"client_id":"x","client_secret":"z","auth_uri":"accounts.google.com"`), `auth_uri is not a URL`},
		{"token_uri no URL", installed(`"client_id":"x","client_secret":"z","token_uri":":"`), `token_uri is not a URL`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := oidc.ParseClientSecrets([]byte(tt.file))
			var ce *fault.Error
			if !errors.As(err, &ce) || ce.Problem != tt.problem || err.Error() != "not a usable OAuth client: "+tt.problem {
				t.Fatalf("error %v\nwant problem %q", err, tt.problem)
			}
			if !errors.Is(err, fault.BadClient) || ce.Remedy.IsZero() {
				t.Error("no remedy, or another kind")
			}
			if strings.Contains(err.Error()+ce.Hint(), "GOCSPX") {
				t.Errorf("the error holds the file's secret: %v", err)
			}
		})
	}
}

// What Google's console exports is read, with a byte order mark or blanks too,
// and what Encode writes is read again.
func TestParseClientSecrets(t *testing.T) {
	t.Parallel()
	want := oidc.ClientSecrets{
		ClientID: "1-x.apps.googleusercontent.com", ClientSecret: "GOCSPX-y", ProjectID: "p", RedirectURIs: []string{"http://localhost"},
		AuthURI: "https://accounts.google.com/o/oauth2/auth", TokenURI: "https://oauth2.googleapis.com/token",
	}
	web := want
	web.Web = true
	padded := strings.ReplaceAll(strings.ReplaceAll(goodClient, `"1-x`, `" 1-x`), `GOCSPX-y"`, `GOCSPX-y \n"`)
	for name, tt := range map[string]struct {
		file string
		want oidc.ClientSecrets
	}{
		"installed":         {goodClient, want},
		"web":               {strings.Replace(goodClient, "installed", "web", 1), web},
		"byte order mark":   {"\xef\xbb\xbf" + goodClient, want},
		"blanks around":     {" \r\n" + goodClient + "\n", want},
		"blanks in values":  {padded, want},
		"only what matters": {`{"installed":{"client_id":"i","client_secret":"s"}}`, oidc.ClientSecrets{ClientID: "i", ClientSecret: "s"}},
		"another provider without a secret": {`{"installed":{"client_id":"i","auth_uri":"https://op.example/a","token_uri":"https://op.example/t"}}`,
			oidc.ClientSecrets{ClientID: "i", AuthURI: "https://op.example/a", TokenURI: "https://op.example/t"}},
	} {
		got, err := oidc.ParseClientSecrets([]byte(tt.file))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		b, err := got.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := oidc.ParseClientSecrets(b); err != nil || !reflect.DeepEqual(again, tt.want) {
			t.Errorf("%s, encoded and read again: %+v, %v", name, again, err)
		}
	}
}
