// Package core signs a person in once and keeps every later call signed in.
//
// Most programs use three functions: [NewSession] ties an OAuth client, a flow and a
// store together, [Session.SignIn] has a person sign in, and iap.NewClient makes an
// http.Client whose requests carry the session's ID token. Programs that share the
// sign-in of the command line open its profile with profile.Open instead of NewSession.
//
// # Parts
//
// The package defines the three parts that can be swapped, and the one part that ties
// them together:
//
//   - a [Flow] obtains a [Token] from an OpenID provider: package authcode has the
//     authorization code flow with PKCE, package device the device flow;
//   - a [TokenStore] keeps the session: package stores/file has the default;
//   - a [Frontend] puts a person in charge of an [App];
//   - a [Session] is the App: one client, one flow, one store, and the cached ID token.
//     Refreshes happen once, whatever the number of goroutines or processes that notice
//     an old token together.
//
// Package oidc is the provider, for flows. Package iap sends the session's ID token to
// services behind Google's Identity-Aware Proxy.
//
// # Errors
//
// What goes wrong has a [Kind], to be tested for with [errors.Is]: errors.Is(err,
// [ErrSignInNeeded]) means that a person has to sign in. Package fault has the table of
// kinds, and what to do next about an error.
//
// # Secrets
//
// Tokens and client secrets are [Secret] values. They print, log and marshal as a
// placeholder; only Reveal gives the text.
//
// # Concurrency
//
// All types are safe for concurrent use unless their documentation says otherwise.
//
// # Compatibility
//
// Until version 1 the Go interfaces may change between minor versions. What others
// hold on disk or on the wire does not: the session document keeps its fields, whose
// names are those of the tokens.json of Python tokentoss, unknown fields survive a
// rewrite, and a document of a newer format is left alone. The kinds of errors keep
// their meaning.
package core
