package wire_test

import (
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

const (
	jwt     = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl-_" // the forms of real ones
	access  = "ya29.a0AfB_byC-needle_needle.needle"
	refresh = "1//0gNeedle_needle-NEEDLE0123456789"
	code    = "4/0AfNeedle_needle-NEEDLE0123456789"
	secret  = "GOCSPX-needle_NEEDLE-needle"
	pem     = "-----BEGIN RSA PRIVATE KEY-----\nbmVlZGxl+needle/NEEDLE==\n-----END RSA PRIVATE KEY-----"
)

// TestRedact plants secrets in what stores and libraries say.
func TestRedact(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		jwt, "token " + jwt + " was refused", "Bearer " + jwt + ".", "eyJhbGciOiJkaXIifQ..needleneedle.bmVlZGxl.dGFn",
		access, "got " + access + ", expired",
		refresh, "token=" + refresh, `"` + refresh + `"`, "refresh 1%2F%2F0gNeedle_needle-NEEDLE0123456789&x=1",
		code, "?code=" + code + "&state=x", "?code=4%2F0AfNeedle_needle-NEEDLE0123456789", "code=4%2f1AfNeedle_needle-NEEDLE0123456789",
		secret, "client " + secret + "!",
		"AGE-SECRET-KEY-1NEEDLE0123456789", "age-secret-key-1needle0123456789", "AGE-PLUGIN-YUBIKEY-1NEEDLE0123",
		"AGE-SECRET-KEY-PQ-1NEEDLE0123456789",
		pem, strings.ReplaceAll(pem, "\n", `\n`), "key: " + pem + " end", "password=" + pem, "a" + pem + pem, strings.Split(pem, "\n-----END")[0],
		strings.ReplaceAll(pem, "RSA PRIVATE", "ENCRYPTED PRIVATE"), strings.ReplaceAll(pem, "RSA ", ""),
		"access_token=needle", "access_token: needle", `{"access_token":"needle"}`, `{"refresh_token": "a needle"}`,
		`{\"id_token\":\"needle\"}`, "client_secret='needle'", "x?id_token=needle&y=1", "code_verifier = needle",
		"password=needle", `"password": "a needle"`, "PASSWORD=needle", "passphrase='a needle'", "https://x?password=needle",
		"password:needle", `{'passphrase': 'needle'}`,
	} {
		got := wire.Redact(text)
		if strings.Contains(strings.ToLower(got), "needle") || !strings.Contains(got, "[secret]") {
			t.Errorf("Redact(%q) = %q", text, got)
		}
		if again := wire.Redact(got); again != got {
			t.Errorf("Redact(%q) = %q, and then %q", text, got, again)
		}
	}
}

// TestRedactKeeps has what people must be able to read.
func TestRedactKeeps(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "not found", "[secret]", "the lock was not to be had in time", "1/2 done", "4/4", "24/7", "1 // a comment",
		"https://accounts.example.com/o/oauth2/auth?client_id=123.apps.example.com&scope=openid",
		"http://127.0.0.1:8080/callback-of-the-sign-in", "http://127.0.0.1/a-long-name-of-a-callback",
		"https://example.com/v1/projects-of-an-organization", "https://example.com/4/0123456789abcdef0123",
		"10.0.0.4/0123456789abcdefghijkl", "/proc/1//0123456789abcdef012345", "v1.4/1-a-branch-with-a-long-name",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"commit da39a3ee5e6b4b0d3255bfef95601890afd80709", "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
		"a password is needed", "wrong passphrase: try again", "password: incorrect", "run tokentoss login --client-secret-file -",
		"the ID token was issued to somebody else", "no refresh token", "eyJ is how they begin", "ya29", "GOCSPX-",
		"AGE-ENCRYPTION-KEY", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudf5pqyzw7a9d",
		"-----BEGIN CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----", "/home/a/.config/tokentoss/tokens.json: mode 0644",
		"mapping values are not allowed in this context: line 4/10",
	} {
		if got := wire.Redact(text); got != text {
			t.Errorf("Redact(%q) = %q, want it as it is", text, got)
		}
	}
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{jwt, access, refresh, code, secret, pem, "password=" + jwt, "a 4/0" + access, "\xff\x00", "password='" + pem} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := wire.Redact(s)
		if again := wire.Redact(once); again != once {
			t.Errorf("Redact(%q) = %q, and then %q", s, once, again)
		}
		if strings.Contains(s, jwt) && strings.Contains(once, jwt) {
			t.Errorf("Redact(%q) = %q", s, once)
		}
	})
}
