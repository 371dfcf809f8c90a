package metadata_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/frontends/http/internal/otheruser"
)

// Another user of the machine gets no token, unless that is wanted.
func TestOtherUsers(t *testing.T) {
	for _, d := range []struct {
		settings string
		uid      uint32
		want     int
	}{
		{``, 0, otheruser.Granted}, {``, 65534, otheruser.Refused},
		{`{"listen": "[::1]:0"}`, 0, otheruser.Granted}, {`{"listen": "[::1]:0"}`, 65534, otheruser.Refused},
		{`{"guard": "none"}`, 65534, otheruser.Granted},
	} {
		s := start(t, inProcess, signedIn(), d.settings)
		if code := otheruser.Ask(t, d.uid, s.host); code != d.want {
			t.Errorf("%s, user %d: %d, not %d", d.settings, d.uid, code, d.want)
		}
	}
}

// Nor does one who is gone before anybody looks whose the request was.
func TestOtherUserLeaves(t *testing.T) {
	a := signedIn()
	s := start(t, inProcess, a, "")
	otheruser.Leave(t, 65534, s.host)
	s.send(t, s.request(t, identity+audience)) // is served after them
	s.end(t)
	if n := a.asked.Load(); n != 1 {
		t.Errorf("the App was asked for %d tokens, one of them by its own user", n)
	}
}
