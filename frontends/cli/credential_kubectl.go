package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"
)

// kubectlEnv is where kubectl says what it asks for.
const kubectlEnv = "KUBERNETES_EXEC_INFO"

const (
	kubectlGroup = "client.authentication.k8s.io/"
	kubectlKind  = "ExecCredential"
)

// An execCredential is both what kubectl asks for and the answer, in either
// version (https://kubernetes.io/docs/reference/config-api/client-authentication.v1/).
type execCredential struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Spec       *execSpec   `json:"spec,omitempty"`
	Status     *execStatus `json:"status,omitempty"`
}

// An execSpec says which server it is about, if kubectl was told to say so.
type execSpec struct {
	Cluster *struct {
		Server string `json:"server"`
	} `json:"cluster"`
}

type execStatus struct {
	Expires string `json:"expirationTimestamp"`
	Token   string `json:"token"`
}

// credentialKubectl is a credential plugin of kubectl and of all that reads a
// kubeconfig. Where the kubeconfig has provideClusterInfo, the server must be one
// of the profile's targets; otherwise the kubeconfig alone says where the token
// goes.
func credentialKubectl(ctx context.Context, in *Invocation) error {
	ask, err := readExecInfo(os.Getenv(kubectlEnv))
	if err != nil {
		return err
	}
	if ask.Spec != nil && ask.Spec.Cluster != nil {
		if err := in.checkServer("kubectl", ask.Spec.Cluster.Server, usagef("check the server in the kubeconfig", "the cluster's server is not a URL")); err != nil {
			return err
		}
	}
	p, err := in.open(ctx, oneToken, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	id, err := p.IDToken(ctx)
	if err != nil {
		return err
	}
	text, err := lineOf(id.Value)
	if err != nil {
		return err
	}
	return json.NewEncoder(in.Stdout).Encode(execCredential{
		APIVersion: ask.APIVersion, Kind: kubectlKind,
		Status: &execStatus{Expires: id.Expiry.UTC().Format(time.RFC3339), Token: text},
	})
}

// readExecInfo reads what kubectl asks for. A person who tries the command out
// asks for version 1.
func readExecInfo(text string) (execCredential, error) {
	if text == "" {
		return execCredential{APIVersion: kubectlGroup + "v1", Kind: kubectlKind}, nil
	}
	var ask execCredential
	if err := json.Unmarshal([]byte(text), &ask); err != nil || ask.Kind != kubectlKind {
		return ask, usagef("kubectl sets it: as command and args of users[].user.exec in a kubeconfig", "%s is not an %s", kubectlEnv, kubectlKind)
	}
	if known := []string{kubectlGroup + "v1", kubectlGroup + "v1beta1"}; !slices.Contains(known, ask.APIVersion) {
		return ask, usagef("apiVersion: "+known[0]+" in the kubeconfig", "there is no version %q of %s here", ask.APIVersion, kubectlKind)
	}
	return ask, nil
}

// checkServer refuses a server, of which a tool asks for a token, that is not a target. A
// server that is not a URL is bad usage.
func (in *Invocation) checkServer(tool, server string, noURL error) error {
	s, err := in.settings()
	if err != nil {
		return err
	}
	u, err := url.Parse(server)
	if err != nil {
		return noURL
	}
	if ok, err := isTarget(s, u); err != nil || ok {
		return err
	}
	u = &url.URL{Scheme: u.Scheme, Host: u.Host}
	return &hintedError{errors.New(tool + " is given tokens for the profile's targets only, and " + u.String() + " is not one"),
		fmt.Sprintf("targets = [%q] in config.toml", u)}
}
