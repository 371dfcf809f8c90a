package emulator

// Endpoint names a place that counts its calls and can be told to fail.
type Endpoint string

// The endpoints. All but IAP and Upstream are on Google's side.
const (
	Discovery  Endpoint = "discovery"   // /.well-known/openid-configuration
	Authorize  Endpoint = "authorize"   // /o/oauth2/v2/auth
	Consent    Endpoint = "consent"     // /signin/consent, where the consent page posts
	Token      Endpoint = "token"       // /token
	Revoke     Endpoint = "revoke"      // /revoke
	DeviceCode Endpoint = "device_code" // /device/code
	DevicePage Endpoint = "device"      // /device, where a person types the user code
	JWKS       Endpoint = "jwks"        // /oauth2/v3/certs
	UserInfo   Endpoint = "userinfo"    // /v1/userinfo
	IAPKeys    Endpoint = "iap_keys"    // /iap/verify/public_key-jwk
	STS        Endpoint = "sts"         // /v1/token, the token exchange of workload identity federation
	NotFound   Endpoint = "not_found"   // every other path of Google's side
	IAP        Endpoint = "iap"         // every path of IAP's side
	Upstream   Endpoint = "upstream"    // what IAP let through to the app

	// Metadata is what a virtual machine's metadata server answers below /computeMetadata/v1/.
	Metadata Endpoint = "metadata"
	// IAMCredentials is generateIdToken and signJwt below /v1/projects/-/serviceAccounts/.
	IAMCredentials Endpoint = "iam_credentials"
	// Relay is the relay of IAP's TCP forwarding, below /v4/.
	Relay Endpoint = "relay"
)

// Endpoints returns all of them.
func Endpoints() []Endpoint {
	return []Endpoint{
		Discovery, Authorize, Consent, Token, Revoke, DeviceCode, DevicePage, JWKS, UserInfo, IAPKeys, STS, NotFound, IAP, Upstream,
		Metadata, IAMCredentials, Relay,
	}
}

const (
	pathDiscovery  = "/.well-known/openid-configuration"
	pathAuthorize  = "/o/oauth2/v2/auth"
	pathConsent    = "/signin/consent"
	pathToken      = "/token"
	pathRevoke     = "/revoke"
	pathDeviceCode = "/device/code"
	pathDevicePage = "/device"
	pathJWKS       = "/oauth2/v3/certs"
	pathUserInfo   = "/v1/userinfo"
	pathIAPKeys    = "/iap/verify/public_key-jwk"
	pathSTS        = "/v1/token"
	pathMetadata   = "/computeMetadata/v1/"

	pathRelayConnect   = "/v4/connect"
	pathRelayReconnect = "/v4/reconnect"

	pathIAMCredentials = "/v1/projects/-/serviceAccounts/"
)
