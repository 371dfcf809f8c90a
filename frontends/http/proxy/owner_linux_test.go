package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/frontends/http/internal/otheruser"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// Where the system says whose a connection is, a proxy without a secret is
// still its user's alone. Both families are looked at.
func TestOtherUsers(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		w := start(t, &ada{}, proxy.Config{
			Targets: []string{serve(t, func(http.ResponseWriter, *http.Request) {})}, Secret: proxy.SecretNone, Listen: listen,
		}, proxy.Options{})
		w.screen.find(t, "other users cannot")
		for uid, want := range map[uint32]int{0: otheruser.Granted, 65534: otheruser.Refused} {
			if code := otheruser.Ask(t, uid, strings.TrimPrefix(w.URL, "http://")); code != want {
				t.Errorf("%s, user %d: %d, not %d", listen, uid, code, want)
			}
		}
	}
}
