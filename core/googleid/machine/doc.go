// Package machine obtains ID tokens for programs that run where no person is: in
// CI, in cron, on a machine of Google Cloud. Its [Flow] is a [core.Flow] that asks
// nobody, for [core.Machine].
//
// # The flows
//
// IAP takes two kinds of token from a machine
// (https://docs.cloud.google.com/iap/docs/authentication-howto). An ID token that
// Google signed, for an OAuth client that is on the service's list of programmatic
// clients:
//
//   - [ServiceAccount]: by the key of a service account
//   - [Metadata]: by the metadata server of the machine that this runs on, which
//     GCE_METADATA_HOST can name
//   - [Impersonation]: of another service account, for which the one that is here may
//     act (roles/iam.serviceAccountOpenIdTokenCreator)
//   - [WorkloadIdentity]: by what a workload outside Google Cloud has of its own
//     provider, such as a job of GitHub Actions
//
// And a JWT that the service account signs itself, for the service's URL, such as
// https://service.example.com/*, which is the only one of a machine's that IAP takes
// where its OAuth client is Google's own:
//
//   - [SignedJWT]: with the key, or by Google on its behalf (signJwt,
//     roles/iam.serviceAccountTokenCreator)
//
// # What the libraries are used for
//
// google.golang.org/api/idtoken exchanges the key of a service account for an ID
// token, by an option that is called deprecated: the one in its place goes past the
// HTTP client that it is given. golang.org/x/oauth2/google and its externalaccount do the same for the
// access tokens that impersonation needs, and know all the places where a workload
// elsewhere has its token: a file, a URL, a program, AWS's signed requests. All
// their requests go through a [oidc.Transport], with its rules: they would follow
// redirects with a credential, and quote whole answers in errors.
//
// The rest is here, since api/idtoken has it in a way that cannot be used. It asks
// a metadata server only when it has found no credentials anywhere else, a person's
// of gcloud among those places, and cannot be told to. Impersonation it does by a
// transport of its own choice, to an endpoint that cannot be changed, which nothing
// can be tested against and no rule applied to. JWTs for a URL of IAP's, and signJwt,
// it does not have. It takes key files whoever else can read or write them, and
// sends a JWT wherever their token_uri says. Each of its token sources keeps a token
// of its own in memory; here the store has it, for all processes. It is not
// used to verify tokens either: see package googleid.
//
// api/idtoken links gRPC, protobuf and OpenTelemetry, without using them. So nothing
// that has to start fast may import this package, and neither may core.
package machine
