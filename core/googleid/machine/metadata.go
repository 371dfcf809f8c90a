package machine

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// A metadata server is asked at GCE_METADATA_HOST, as by Google's own libraries, or
// at the address that all of Google's machines have for it.
const (
	metadataEnv     = "GCE_METADATA_HOST"
	metadataAddress = "169.254.169.254"
	metadataFlavor  = "Metadata-Flavor"
	metadataTimeout = 5 * time.Second
)

// metadataIDToken has the metadata server sign a token of the machine's service
// account (https://docs.cloud.google.com/compute/docs/instances/verifying-instance-identity).
func (c *call) metadataIDToken(ctx context.Context) (core.Secret, error) {
	q := url.Values{"audience": {c.Audience}, "format": {"full"}} // full has the address
	text, err := c.metadata(ctx, "identity?"+q.Encode())
	return core.Secret(text), err
}

func (c *call) metadataAccessToken(ctx context.Context) (core.Secret, error) {
	text, err := c.metadata(ctx, "token")
	if err != nil {
		return "", err
	}
	var t struct {
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal([]byte(text), &t) != nil || t.AccessToken == "" {
		return "", &oidc.ProviderError{Endpoint: "metadata", Host: metadataHost(), Problem: "answered without an access token"}
	}
	return core.Secret(t.AccessToken), nil
}

// metadataEmail returns the address of the machine's service account.
func (c *call) metadataEmail(ctx context.Context) (string, error) {
	text, err := c.metadata(ctx, "email")
	if err == nil && !isAddress(text) {
		err = &oidc.ProviderError{Endpoint: "metadata", Host: metadataHost(), Problem: "answered with no address of a service account"}
	}
	return text, err
}

func metadataHost() string {
	if host := os.Getenv(metadataEnv); host != "" {
		return host
	}
	return metadataAddress
}

// metadata asks for one thing about the service account. A metadata server speaks
// plain http, at an address that leads no further than to the hypervisor, and no
// proxy is on the way.
func (c *call) metadata(ctx context.Context, what string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	host, account := metadataHost(), "default"
	if c.Flow == Metadata && c.Account != "" {
		account = c.Account
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/computeMetadata/v1/instance/service-accounts/"+account+"/"+what, nil)
	if err != nil || req.URL.Host != host {
		return "", &OptionError{metadataEnv, "it is not host:port"}
	}
	req.Header.Set(metadataFlavor, "Google")
	res, err := c.local.Client("metadata").Do(req)
	if err != nil {
		return "", c.metadataFailed(err)
	}
	defer res.Body.Close()
	// What answers without this is something else: a portal, a proxy.
	if res.Header.Get(metadataFlavor) != "Google" {
		return "", &oidc.ProviderError{Endpoint: "metadata", Host: host, Problem: "is not a metadata server of Google's"}
	}
	body, err := io.ReadAll(res.Body)
	return strings.TrimSpace(string(body)), err
}

func (c *call) metadataFailed(err error) error {
	pe := failed(c.local, "metadata", "no answer", err)
	switch {
	case pe.Status == http.StatusNotFound:
		pe.Next = fault.Say("give this machine a service account, or use another flow")
	case pe.Status == 0:
		pe.Next = fault.Say("is this not a machine of Google Cloud? Then set flow to service_account or workload_identity; otherwise set %s", metadataEnv)
	}
	return pe
}
