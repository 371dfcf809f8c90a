package hub

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/jupyterhub"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// A Config says where the service is, as the hub that started it does.
// See https://jupyterhub.readthedocs.io/en/stable/reference/services.html#service-env.
type Config struct {
	Listen    string      // host:port
	Prefix    string      // of the paths of requests, such as /services/tokentoss/
	PublicURL string      // of Prefix, as browsers reach it
	API       string      // URL of the hub's API
	Token     oidc.Secret // of the service at the hub
	ClientID  string      // of the service at the hub
	Authorize string      // the hub's authorization endpoint, as browsers reach it
	Returns   string      // where the hub sends browsers back to, below Prefix
	Scopes    []string    // of the hub; one of them lets a user use the service
}

// FromEnvironment reads what a hub says to a service that it manages. PublicURL is for a
// hub that does not know its public address. getenv is that of package os.
func FromEnvironment(getenv func(string) string, publicURL string) (Config, error) {
	for _, name := range []string{"JUPYTERHUB_SERVICE_URL", "JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_API_URL", "JUPYTERHUB_API_TOKEN"} {
		if getenv(name) == "" {
			return Config{}, &fault.Error{Subject: name, Kind: fault.BadConfig, Problem: "it is not set, as it is for a service with a url that JupyterHub starts",
				Remedy: fault.Say("make this a service of jupyterhub_config.py")}
		}
	}
	prefix := strings.TrimSuffix(getenv("JUPYTERHUB_SERVICE_PREFIX"), "/") + "/"
	base := cmp.Or(getenv("JUPYTERHUB_BASE_URL"), "/")
	c := Config{
		Prefix: prefix, PublicURL: cmp.Or(publicURL, getenv("JUPYTERHUB_PUBLIC_URL")),
		API: strings.TrimSuffix(getenv("JUPYTERHUB_API_URL"), "/"), Token: oidc.Secret(getenv("JUPYTERHUB_API_TOKEN")),
		ClientID:  cmp.Or(getenv("JUPYTERHUB_CLIENT_ID"), "service-"+cmp.Or(getenv("JUPYTERHUB_SERVICE_NAME"), jupyterhub.Name)),
		Authorize: getenv("JUPYTERHUB_HOST") + strings.TrimSuffix(base, "/") + "/hub/api/oauth2/authorize",
		Returns:   cmp.Or(getenv("JUPYTERHUB_OAUTH_CALLBACK_URL"), prefix+"oauth_callback"),
	}
	listen, err := url.Parse(getenv("JUPYTERHUB_SERVICE_URL"))
	if err != nil || listen.Host == "" || listen.Scheme != "http" {
		return c, &fault.Error{Subject: "JUPYTERHUB_SERVICE_URL", Kind: fault.BadConfig, Problem: "it is not a URL such as http://127.0.0.1:10101",
			Remedy: fault.Say("correct the url of the service in jupyterhub_config.py")}
	}
	if c.Listen = listen.Host; listen.Port() == "" {
		c.Listen += ":80"
	}
	scopes := getenv("JUPYTERHUB_OAUTH_ACCESS_SCOPES")
	if scopes == "" {
		c.Scopes = []string{"access:services", "access:services!service=" + cmp.Or(getenv("JUPYTERHUB_SERVICE_NAME"), jupyterhub.Name)}
	} else if json.Unmarshal([]byte(scopes), &c.Scopes) != nil {
		return c, &fault.Error{Subject: "JUPYTERHUB_OAUTH_ACCESS_SCOPES", Kind: fault.BadConfig, Problem: "it is not a JSON list"}
	}
	return c, c.checkPublic()
}

func (c *Config) checkPublic() error {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return &fault.Error{Subject: "the address of the service for browsers", Kind: fault.BadConfig, Problem: fmt.Sprintf("%q is no URL", c.PublicURL),
			Remedy: fault.Say("set c.JupyterHub.public_url, such as https://hub.example.com/, in jupyterhub_config.py")}
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/") + "/"
	return nil
}

// redirectURI is where the provider sends browsers.
func (c *Config) redirectURI() string { return c.PublicURL + jupyterhub.PathCallback }
