package cli

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
)

func TestEveryKindHasTheExitCodeOfTheTable(t *testing.T) {
	t.Parallel()
	for _, row := range fault.Table() {
		for _, err := range []error{row.Kind, &hintedError{fmt.Errorf("deep: %w", &fault.Error{Kind: row.Kind}), "do this"}} {
			if got := exitCode(err); got != int(row.Exit) {
				t.Errorf("%s ends with %d, want %d", row.Kind, got, row.Exit)
			}
		}
		if text, hint := explain(&fault.Error{Kind: row.Kind, Problem: "because"}); !strings.Contains(text, row.Text+": because") || hint == "" && !row.Remedy.IsZero() {
			t.Errorf("%s is said as %q, and next %q", row.Kind, text, hint)
		}
	}
}

// Whatever there is to do, a shell has words for it, and a command wherever tokentoss
// has one.
func TestEveryActionHasWordsInAShell(t *testing.T) {
	t.Parallel()
	commands := map[fault.Action]string{
		fault.SignIn: "login", fault.Forget: "logout --local", fault.Configure: "configure", fault.Unlock: "status", fault.AddProfile: "profile add",
		fault.ListProfiles: "profile list", fault.ListStores: "store list", fault.ListPlugins: "plugin list", fault.InstallPlugin: "plugin install",
		fault.DescribePlugin: "plugin describe", fault.Diagnose: "doctor",
	}
	for _, action := range fault.Actions() {
		for _, remedy := range []fault.Remedy{action.On(""), action.On("SUBJECT"), action.To("SUBJECT", "VALUE")} {
			_, hint := explain(&fault.Error{Kind: fault.BadConfig, Remedy: remedy})
			if hint == "" || strings.Contains(hint, "%!") || commands[action] != "" && !strings.Contains(hint, "tokentoss "+commands[action]) {
				t.Errorf("%+v is said as %q", remedy, hint)
			}
		}
	}
}

// A service whose certificate this machine does not trust is not looked for in the
// network.
func TestServiceThatIsNotTrustedIsSaid(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	t.Setenv("SSL_CERT_FILE", "")
	_, err := http.Get(server.URL + "/path?private") //nolint:bodyclose // there is none
	text, hint := explain(requestError(t.Context(), err))
	if err = requestError(t.Context(), err); !errors.Is(err, fault.UntrustedServer) || strings.Contains(text, "private") || !strings.Contains(text, strings.TrimPrefix(server.URL, "https://")) ||
		!strings.Contains(hint, "certificate authority") {
		t.Errorf("%s; %s", text, hint)
	}
}
