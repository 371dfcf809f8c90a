// Package core signs a person in once and keeps every later call signed in.
//
// It defines the three parts that can be swapped, and the one part that ties
// them together:
//
//   - a [Flow] obtains a [Token] from an OpenID provider (package authcode has
//     the authorization code flow with PKCE);
//   - a [TokenStore] keeps the session (module stores/file has the default);
//   - a [Frontend] puts a person in charge of an [App];
//   - a [Session] is the App: one client, one flow, one store, and the cached
//     ID token. Refreshes happen once, whatever the number of goroutines or
//     processes that notice an old token together.
//
// Package iap sends the session's ID token to services behind Google's
// Identity-Aware Proxy.
//
// # Secrets
//
// Tokens and client secrets are [Secret] values. They print, log and marshal
// as a placeholder; only [Secret.Reveal] gives the text.
//
// # Concurrency
//
// All types are safe for concurrent use unless their documentation says
// otherwise.
package core
