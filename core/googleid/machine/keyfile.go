package machine

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2/google/externalaccount"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// Types of key files.
const (
	typeServiceAccount  = "service_account"
	typeExternalAccount = "external_account"
)

// A keyFile is a file of Google's with what identifies a machine.
type keyFile struct {
	Type string `json:"type"`

	// Of a service account's key.
	ClientEmail  string `json:"client_email"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	TokenURI     string `json:"token_uri"`

	// Of the configuration of workload identity federation.
	Audience         string                            `json:"audience"`
	SubjectTokenType string                            `json:"subject_token_type"`
	TokenURL         string                            `json:"token_url"`
	ImpersonationURL string                            `json:"service_account_impersonation_url"`
	Source           *externalaccount.CredentialSource `json:"credential_source"`

	gcloudFields

	data []byte
	key  *rsa.PrivateKey
}

// A KeyFileError is a key file that cannot be used. It holds no part of the file.
type KeyFileError struct {
	Path    string
	Problem string
	Next    string // what to do next
}

func (e *KeyFileError) Error() string { return "key file " + e.Path + ": " + e.Problem }

// Is makes errors.Is(err, fault.BadConfig) true.
func (e *KeyFileError) Is(target error) bool { return target == fault.BadConfig }

// Remedy says what to do next.
func (e *KeyFileError) Remedy() fault.Remedy {
	if e.Next == "" {
		return fault.CorrectSetting.On("key_file")
	}
	return fault.Remedy{Text: e.Next}
}

// readKeyFile reads and checks a key file, which a platform or a person put there. The
// configuration of a federation holds no secret, and CI services write it for all to
// read; it says which program to run, so nobody else may write it.
func readKeyFile(path string, insecureLoopback bool) (*keyFile, error) {
	fail := func(problem, next string) (*keyFile, error) { return nil, &KeyFileError{path, problem, next} }
	given, err := privatefile.ReadGiven(path)
	switch {
	case errors.Is(err, core.ErrNotFound):
		return fail("there is no such file", "set key_file, or GOOGLE_APPLICATION_CREDENTIALS, to where it is")
	case err != nil:
		return nil, err
	}
	data, exposed := given.Secret()
	k := &keyFile{data: data}
	if json.Unmarshal(data, k) != nil {
		return fail("it is not what Google's console or gcloud write", "download it again")
	}
	if exposed != nil && k.Type != typeExternalAccount {
		return nil, exposed
	}
	if problem := k.check(insecureLoopback); problem != "" {
		return fail(problem, "")
	}
	return k, nil
}

// check says what is wrong with the file, or nothing.
func (k *keyFile) check(insecureLoopback bool) string {
	switch k.Type {
	case typeServiceAccount:
		return k.checkKey(insecureLoopback)
	case typeExternalAccount:
		return k.checkFederation(insecureLoopback)
	case typeAuthorizedUser:
		return k.checkUser()
	case typeImpersonated:
		return k.checkImpersonated(insecureLoopback)
	}
	return "it is " + k.words() + ", and no credentials of a machine"
}

// words says what kind of file it is.
func (k *keyFile) words() string {
	switch k.Type {
	case typeServiceAccount:
		return "the key of a service account"
	case typeExternalAccount:
		return "the configuration of workload identity federation"
	case typeAuthorizedUser:
		return "gcloud's own credentials of a person"
	case typeImpersonated:
		return "gcloud's configuration of an impersonation"
	}
	return "a file of another kind"
}

// googleTokenURIs are those that keys have, in this and in earlier years.
var googleTokenURIs = []string{"https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token", "https://www.googleapis.com/oauth2/v4/token"}

// checkKey says what is wrong with a service account's key, or nothing.
func (k *keyFile) checkKey(insecureLoopback bool) string {
	if k.TokenURI == "" {
		k.TokenURI = googleTokenURIs[0]
	}
	switch {
	case !isAddress(k.ClientEmail):
		return "client_email is not the address of a service account"
	case k.PrivateKeyID == "":
		return "private_key_id is missing"
	case !slices.Contains(googleTokenURIs, k.TokenURI) && !(insecureLoopback && isLoopback(k.TokenURI)):
		return "its token_uri is not Google's: what it signs would be sent elsewhere"
	}
	if k.key = parseKey(k.PrivateKey); k.key == nil {
		return "private_key is not an RSA key of 2048 bits or more, in PEM"
	}
	return k.clean()
}

// clean makes data what Google's library reads, which takes a key only in the form
// that Google writes it in.
func (k *keyFile) clean() string {
	key, err := encodePEM(k.key)
	if err == nil {
		k.data, err = json.Marshal(map[string]string{
			"type": k.Type, "client_email": k.ClientEmail, "private_key_id": k.PrivateKeyID, "private_key": key, "token_uri": k.TokenURI,
		})
	}
	if err != nil {
		return "private_key cannot be used"
	}
	return ""
}

// checkFederation says what is wrong with the configuration of a federation, or
// nothing. Its URLs must be Google's: Google's library checks none of them.
func (k *keyFile) checkFederation(insecureLoopback bool) string {
	for name, value := range map[string]string{"token_url": k.TokenURL, "service_account_impersonation_url": k.ImpersonationURL} {
		if value != "" && !isGoogleAPI(value) && !(insecureLoopback && isLoopback(value)) {
			return "its " + name + " is not Google's: what it sends would go elsewhere"
		}
	}
	if k.Audience == "" || k.SubjectTokenType == "" || k.Source == nil {
		return "audience, subject_token_type or credential_source is missing"
	}
	return ""
}

func isGoogleAPI(rawURL string) bool {
	u, err := url.Parse(rawURL)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Port() == "" && strings.HasSuffix(u.Hostname(), ".googleapis.com")
}

func isLoopback(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "http" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}

// impersonated returns the service account that the file says to become, or "".
func (k *keyFile) impersonated() string {
	_, last, _ := strings.Cut(k.ImpersonationURL, "/serviceAccounts/")
	account, _, _ := strings.Cut(last, ":")
	if !isAddress(account) {
		return ""
	}
	return account
}

// plainHosts returns the hosts of this machine, and of its hypervisor, which a
// federation has its own provider's token from and which have no certificate.
func (k *keyFile) plainHosts() (hosts []string) {
	if k.SourceCredentials != nil {
		return k.SourceCredentials.plainHosts()
	}
	if k.Source == nil {
		return nil
	}
	for _, raw := range []string{k.Source.URL, k.Source.RegionURL, k.Source.IMDSv2SessionTokenURL} {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" {
			continue
		}
		addr, err := netip.ParseAddr(u.Hostname())
		local := err == nil && (addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr == netip.MustParseAddr("fd00:ec2::254"))
		if local || u.Hostname() == "localhost" {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}
