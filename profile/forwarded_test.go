package profile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/profile"
)

// A session that is lent goes to the services that it is lent for, and to no other: not
// to one of the same host with another scheme or port, either.
func TestLentSessionGoesToItsTargetsAlone(t *testing.T) {
	own := &profile.Profile{}
	lent := &profile.Profile{Forwarded: &forward.Hello{Host: "desk", Targets: []string{"https://a.example", "https://b.example:8443/x"}}}
	for url, ok := range map[string]bool{
		"https://a.example": true, "https://a.example/any/path?q": true, "https://A.example:443/": true, "https://b.example:8443/y": true,
		"https://c.example": false, "https://a.example:444/": false, "http://a.example/": false, "https://b.example/": false, "https://a.example.evil.example/": false,
		"https://a.example@evil.example/": false, "http://127.0.0.1:8080/": false,
	} {
		if err := own.CheckLent(url); err != nil {
			t.Errorf("%s, with a session of this machine: %v", url, err)
		}
		err := lent.CheckLent("https://a.example", url)
		if ok != (err == nil) {
			t.Errorf("%s: %v", url, err)
		}
		if ok {
			continue
		}
		if !errors.Is(err, fault.Refused) || !strings.Contains(fault.RemedyOf(err).String(), "on desk") {
			t.Errorf("%s: %v, %v", url, err, fault.RemedyOf(err))
		}
		if _, err := lent.Transport(url); !errors.Is(err, fault.Refused) {
			t.Errorf("a transport for %s: %v", url, err)
		}
	}
}
