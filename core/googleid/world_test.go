package googleid_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core/googleid"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	audience = "/projects/104250000042/global/backendServices/42"
	clientID = "104250000042-abc.apps.googleusercontent.com"
)

// testKeys are a key of each type, made once: that takes time.
var testKeys = sync.OnceValues(func() (*rsa.PrivateKey, *ecdsa.PrivateKey) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return r, newEC()
})

func newEC() *ecdsa.PrivateKey {
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return e
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// A clock is set by the test.
type clock struct{ *emulatortest.Clock }

func newClock() *clock {
	return &clock{emulatortest.NewClock(time.Date(2031, 5, 4, 3, 2, 1, 0, time.UTC))}
}

func (c *clock) now() time.Time      { return c.Now() }
func (c *clock) add(d time.Duration) { c.Advance(d) }

// A keyServer is where Google's keys are. It counts.
type keyServer struct {
	*httptest.Server
	mu     sync.Mutex
	calls  int
	status int
	header http.Header
	body   []byte
	gate   chan struct{} // answers wait until it is closed, if there is one

	arrived chan struct{} // gets each request, as far as somebody listens
}

func newKeyServer(t testing.TB) *keyServer {
	s := &keyServer{arrived: make(chan struct{}, 1)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.calls++
		status, header, body, gate := s.status, s.header, s.body, s.gate
		s.mu.Unlock()
		select {
		case s.arrived <- struct{}{}:
		default:
		}
		if gate != nil {
			select {
			case <-gate:
			case <-r.Context().Done():
				return
			}
		}
		for name, values := range header {
			w.Header()[name] = values
		}
		if status != 0 {
			w.WriteHeader(status)
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	r, e := testKeys()
	s.serve(map[string]crypto.PublicKey{"rsa": &r.PublicKey, "ec": &e.PublicKey})
	return s
}

// set changes the server between two requests.
func (s *keyServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *keyServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// serve makes keys the ones that are had there.
func (s *keyServer) serve(keys map[string]crypto.PublicKey) {
	list := []map[string]string{}
	for kid, key := range keys {
		m := map[string]string{"kid": kid, "use": "sig"}
		switch k := key.(type) {
		case *rsa.PublicKey:
			m["kty"], m["n"], m["e"] = "RSA", b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())
		case *ecdsa.PublicKey:
			point, err := k.Bytes()
			if err != nil {
				panic(err)
			}
			m["kty"], m["crv"], m["x"], m["y"] = "EC", "P-256", b64(point[1:33]), b64(point[33:])
		}
		list = append(list, m)
	}
	body, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		panic(err)
	}
	s.set(func() { s.body = body })
}

// options are those of a verifier in this world.
func (s *keyServer) options(c *clock, audiences ...string) googleid.Options {
	return googleid.Options{Audiences: audiences, KeysURL: s.URL, InsecureLoopback: true, Now: c.now}
}

func assertions(t testing.TB, s *keyServer, c *clock) *googleid.Verifier {
	t.Helper()
	v, err := googleid.NewAssertionVerifier(s.options(c, audience))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func idTokens(t testing.TB, s *keyServer, c *clock) *googleid.Verifier {
	t.Helper()
	v, err := googleid.NewIDTokenVerifier(s.options(c, clientID))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

type m map[string]any

// assertion has the claims of a good assertion, with those of more in their place;
// nil takes a claim away.
func (c *clock) assertion(more m) m {
	return mix(m{"iss": "https://cloud.google.com/iap", "aud": audience, "sub": "accounts.google.com:1", "email": "ada@example.com",
		"iat": c.now().Unix(), "exp": c.now().Add(10 * time.Minute).Unix()}, more)
}

// idToken is the same of an ID token.
func (c *clock) idToken(more m) m {
	return mix(m{"iss": "https://accounts.google.com", "aud": clientID, "azp": clientID, "sub": "1", "email": "ada@example.com",
		"email_verified": true, "iat": c.now().Unix(), "exp": c.now().Add(time.Hour).Unix()}, more)
}

func mix(claims, more m) m {
	for name, v := range more {
		if claims[name] = v; v == nil {
			delete(claims, name)
		}
	}
	return claims
}

func text(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// compact makes a token with a signature by sign.
func compact(header, payload string, sign func(signed []byte) []byte) string {
	signed := b64([]byte(header)) + "." + b64([]byte(payload))
	return signed + "." + b64(sign([]byte(signed)))
}

func fixed(b []byte) func([]byte) []byte { return func([]byte) []byte { return b } }

func byRSA(k *rsa.PrivateKey) func([]byte) []byte {
	return func(signed []byte) []byte {
		digest := sha256.Sum256(signed)
		sig, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest[:])
		if err != nil {
			panic(err)
		}
		return sig
	}
}

func byEC(k *ecdsa.PrivateKey) func([]byte) []byte {
	return func(signed []byte) []byte {
		digest := sha256.Sum256(signed)
		r, s, err := ecdsa.Sign(rand.Reader, k, digest[:])
		if err != nil {
			panic(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
}

// es256 signs claims as IAP does.
func es256(t testing.TB, claims m) string {
	t.Helper()
	_, e := testKeys()
	return compact(`{"alg":"ES256","kid":"ec","typ":"JWT"}`, text(t, claims), byEC(e))
}

// rs256 signs claims as Google does.
func rs256(t testing.TB, claims m) string {
	t.Helper()
	r, _ := testKeys()
	return compact(`{"alg":"RS256","kid":"rsa","typ":"JWT"}`, text(t, claims), byRSA(r))
}
