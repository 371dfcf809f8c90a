package gonb

import (
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/frontends/signin"
)

// TestKeepAlive: there are pings while there are answers, and one more.
func TestKeepAlive(t *testing.T) {
	var ch *channel
	pings := 0
	ch = newChannel(func(m string) {
		if m != ping {
			t.Errorf("the browser is sent %q", m)
		}
		if pings++; pings < 3 {
			ch.take(pong)
		}
	})
	ch.take(pong)
	ch.keepAlive(time.Millisecond)
	if pings != 3 {
		t.Errorf("there were %d pings, want 3", pings)
	}
	close(ch.over)
	ch.take("too late") // and nobody waits
	ch.take(pong)
	ch.keepAlive(time.Hour)
}

// TestScripts: what is in a script cannot end its element.
func TestScripts(t *testing.T) {
	scripts := map[string]string{
		"widget": widgetScript("id", "/address"),
		"link":   linkTo("id", signin.Armed{AuthURL: "https://provider.invalid/</script><script>alert(1)</script>"}),
		"prompt": answerPrompt("id"),
	}
	for name, s := range scripts {
		if strings.Contains(strings.ToLower(s), "</script") || strings.Contains(s, "<!--") {
			t.Errorf("the script of the %s ends its element", name)
		}
	}
}
