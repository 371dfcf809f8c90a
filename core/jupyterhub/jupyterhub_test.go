package jupyterhub_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/jupyterhub"
)

// The service is found by what the hub sets, where it is safe to send the hub's token, or
// by what its administrator set.
func TestFind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"by the hub's address":         {map[string]string{"JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example/hub/"}, "https://hub.example/services/tokentoss/"},
		"below a path":                 {map[string]string{"JUPYTERHUB_PUBLIC_HUB_URL": "https://example.org/jupyter/hub/"}, "https://example.org/jupyter/services/tokentoss/"},
		"as the hub's docs have it":    {map[string]string{"JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example/"}, "https://hub.example/services/tokentoss/"},
		"on this machine":              {map[string]string{"JUPYTERHUB_PUBLIC_HUB_URL": "http://127.0.0.1:8000/hub/"}, "http://127.0.0.1:8000/services/tokentoss/"},
		"in clear across a network":    {map[string]string{"JUPYTERHUB_PUBLIC_HUB_URL": "http://hub.example/hub/"}, ""},
		"in clear as is wanted":        {map[string]string{jupyterhub.EnvURL: "http://proxy-public/services/tokentoss"}, "http://proxy-public/services/tokentoss/"},
		"said, and by the hub":         {map[string]string{jupyterhub.EnvURL: "https://a.example/x/", "JUPYTERHUB_PUBLIC_HUB_URL": "https://b.example/hub/"}, "https://a.example/x/"},
		"a hub that does not say":      {map[string]string{"JUPYTERHUB_API_URL": "http://10.0.0.1:8081/hub/api"}, ""},
		"no user, as in a service":     {map[string]string{"JUPYTERHUB_USER": "", "JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example/hub/"}, ""},
		"no token":                     {map[string]string{"JUPYTERHUB_API_TOKEN": "", "JUPYTERHUB_PUBLIC_HUB_URL": "https://hub.example/hub/"}, ""},
		"no URL":                       {map[string]string{jupyterhub.EnvURL: "hub.example"}, "error"},
		"with a password":              {map[string]string{jupyterhub.EnvURL: "https://u:p@hub.example/"}, "error"},
		"another scheme":               {map[string]string{jupyterhub.EnvURL: "file:///etc/passwd"}, "error"},
		"with a query, and a fragment": {map[string]string{jupyterhub.EnvURL: "https://hub.example/?a=b#c"}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := jupyterhub.Find(func(name string) string {
				if v, ok := c.env[name]; ok {
					return v
				}
				return map[string]string{"JUPYTERHUB_API_TOKEN": "secret-token", "JUPYTERHUB_USER": "ada"}[name]
			})
			got := ""
			if s != nil {
				got = s.URL
			}
			if err != nil {
				got = "error"
			}
			if got != c.want || err != nil && !errors.Is(err, fault.BadConfig) {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
			if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, err); strings.Contains(text, "secret-token") {
				t.Errorf("the token is shown: %s", text)
			}
		})
	}
}
