// Package emulator runs a local Google sign-in and, behind it, an Identity-Aware Proxy (IAP) in front of a service. It
// is to programs that sign in with Google what [net/http/httptest] is to programs that speak HTTP, and it lets people
// who build a service behind IAP try it without a project, a load balancer or an account.
//
// [Start] opens two servers on loopback. Google's side has the paths of Google: the authorization endpoint with a page
// to choose an account on, the token endpoint, revocation, the device flow, the key set and discovery. IAP's side
// guards every path of an upstream, or of a small built-in app with /whoami, /protected, /health, /echo, /redirect?to=,
// /401, /403 and /stream?n=.
//
// # What is like Google
//
// Google's side is strict where Google is, and sometimes where a good client should not notice:
//
//   - The client must exist. A desktop client may redirect to http on 127.0.0.1, [::1] or localhost, with any port and
//     path (https://developers.google.com/identity/protocols/oauth2/native-app); a web client to its registered URIs.
//     The token endpoint wants the same redirect_uri again.
//   - What Google shows on a page of its own, such as redirect_uri_mismatch, is a page with status 400 and never a
//     redirect. The redirect that does come has the extra parameters scope, authuser, prompt and hd, and no iss.
//   - Codes work once and for 10 minutes; a second use ends what the first one gave. The token endpoint wants the
//     client secret of desktop clients too.
//   - A desktop client always gets a refresh token. A refresh brings a new ID token, without nonce, and no refresh token.
//     Of more than 100 refresh tokens of one account and client the oldest dies. Revoking a refresh or an access
//     token ends all that its account gave to the client, other machines' sessions too; an unknown token is 400 invalid_token.
//   - The device flow takes clients of its own kind only, and answers 428 authorization_pending and 403 slow_down.
//
// Programs without a person have service accounts ([Options].ServiceAccounts). The token endpoint takes their keys'
// JWTs (target_audience or scope); there are the identity and token endpoints of a virtual machine's metadata server,
// generateIdToken and signJwt of the IAM Service Account Credentials API for those who may impersonate, and the token
// exchange of a workload identity pool. IAP takes their ID tokens, and the JWTs that they sign themselves for a URL or
// for all that begin like it, such as https://host/*.
//
// IAP's side follows https://docs.cloud.google.com/iap/docs/authentication-howto,
// https://docs.cloud.google.com/iap/docs/query-parameters-and-headers-howto and
// https://docs.cloud.google.com/iap/docs/signed-headers-howto:
//
//   - Proxy-Authorization comes first. When it is good, the app gets the request's own Authorization untouched.
//     Otherwise Authorization is tried. A credential that IAP used never reaches the app.
//   - Without a credential, a GET that accepts HTML is redirected to sign in (and gets a login cookie in the end);
//     everything else, and everything with X-Requested-With: XMLHttpRequest, is 401.
//   - IAP's own 302, 401 and 403 have X-Goog-IAP-Generated-Response; the app's have not.
//   - An ID token is good when it is signed by a current key, unexpired, for an allowed client and with an e-mail
//     address; the address must be an allowed one.
//   - The app gets X-Goog-IAP-JWT-Assertion (ES256) and the X-Goog-Authenticated-User headers, and no X-Goog header
//     that a client sent. gcp-iap-mode=IDENTITY, CLEAR_LOGIN_COOKIE and SECURE_TOKEN_TEST work.
//
// # What is not
//
//   - Everything is on loopback, plain HTTP unless [Options].TLS is set, and the issuer is the emulator's URL, not https://accounts.google.com.
//   - PKCE with S256 and the scope openid are demanded of every client; Google demands neither.
//   - ID tokens have a jti, so that two of the same second differ. [Emulator.RotateKeys] drops old keys at once.
//   - A failing use of a code spends it. The exact texts of most errors are close to Google's, not the same.
//   - Google knows several sign-in steps, sessions and consent records; here every request asks again, or never
//     ([Options].AutoConsent).
//   - IAP takes no access token, unless [Options].AccessTokens is set, and no workforce identity. Login cookies live 24 hours. IAP asks nobody about quotas.
//   - The keys of the signed header are at [Emulator.AssertionKeysURL]. They rotate together with Google's.
//
// # Other providers, other guards
//
// [Provider] makes Google's side answer as other OpenID providers do: how clients authenticate, how tokens are signed, which claims
// and tokens there are. [Guard] puts something else than IAP in front of the service.
//
// # Making it fail
//
// Every endpoint counts its calls ([Emulator.Calls], [Emulator.TokenCalls]) and can be told to be slow, to hang, to
// reset the connection or to answer anything ([Emulator.SetFault]). Tokens can be made wrong before they are signed
// ([Emulator.SetIDTokenClaims]), answers changed ([Emulator.SetTokenAnswer]), the clock moved
// ([Emulator.SetClockOffset]), and IAP overruled ([Emulator.SetIAPPolicy]).
//
// The emulator proves nothing about who somebody is: whoever reaches it can be anybody. Listen on loopback.
package emulator
