// Package googleid verifies what Google signs for a service: the ID tokens that
// callers bring, and the assertion that Identity-Aware Proxy (IAP) adds to each
// request. A service behind IAP needs package guard only, which does this for
// each of its requests. Package machine, beside it, is the other end: ID tokens
// for programs that run where no person is.
//
// # What is checked
//
// Of every token: that it is a compact JWS of two JSON objects; that its
// algorithm is the one that this kind of token has (RS256 for ID tokens, ES256 for
// assertions) and its key one of Google's of that type; the signature; issuer and
// audience, exactly; exp, iat and nbf with 30 seconds of skew; that it does not
// live longer than its kind may; that it says who it is about. What is not a token
// is an error, whatever its bytes.
//
// Google's keys are fetched when they are first needed and kept for as long as the
// answer says. A key that is not among them has them fetched again, at most once in
// five minutes, so that a new key works without a restart and made-up key IDs
// cause no stream of requests. When the keys cannot be had, those that expired go
// on for a day. However many verify at once, there is one fetch.
//
// # Why these libraries
//
// The signatures are checked by core/internal/jws, which the sign-in of persons
// uses already: some 200 lines over crypto/rsa and crypto/ecdsa that know RS256,
// ES256 and nothing else, so that neither "none", an HMAC under a public key, nor
// a key or an algorithm of the token's own choice can get anywhere (RFC 8725). A
// general library such as go-jose, which is sound, would bring JWE, compression,
// embedded keys and a dozen algorithms that would all have to be kept out. It is
// what the tests hold this package against instead: no token may pass here that
// go-jose refuses.
//
// google.golang.org/api/idtoken is not used to verify. Its Validate, measured,
// panics on an ES256 signature of four bytes; takes any issuer, a token of next
// year, a token that lives for ten years, and, where the audience argument is
// empty, any audience; knows no skew; fetches the keys at every call where their
// answer has no Cache-Control, does not look for a new key until the old ones
// expire, and fails when they cannot be had just then. What it does well, to obtain
// tokens from all places where Google's machines have them, package machine uses it
// for. It brings gRPC, protobuf and OpenTelemetry along, a dozen megabytes, which is
// why this package and guard do not import it: a service that verifies links
// the standard library and nothing else.
package googleid
