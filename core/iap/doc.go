// Package iap reaches services behind Google's Identity-Aware Proxy (IAP).
//
// A [Transport] is an [http.RoundTripper] that adds the ID token of whoever is
// signed in to requests for the origins it was given, and to no others. It
// knows which answers are IAP's and which are the application's, so that a
// refused token is renewed once, an application's own 401 is left alone, and a
// sign-in page is never mistaken for success:
//
//	client, err := iap.NewClient(session, "https://app.example.com")
//	...
//	resp, err := client.Get("https://app.example.com/data")
//
// # What it sends
//
// The token goes into Authorization, or into Proxy-Authorization when the
// request has an Authorization of its own, which IAP then passes on to the
// application. X-Requested-With: XMLHttpRequest makes IAP answer 401 instead of
// redirecting to a sign-in page. The caller's request is never changed.
//
// # What it makes of the answer
//
//   - 401 that IAP generated, or a redirect to a sign-in page: the token is
//     renewed and the request repeated, once. If that does not help either, the
//     error is a [*RefusedError]. A sign-in page is Google's, or one of the provider
//     that issued the token, to which guards other than IAP redirect.
//   - 403 that IAP generated: a [*RefusedError] at once, since another token of
//     the same person would not help.
//   - Anything else, the application's own 401 and IAP's 429 included, is handed
//     back as it is. Bodies and upgraded connections are never buffered or
//     wrapped.
//
// IAP marks what it generates with X-Goog-IAP-Generated-Response.
//
// # Where it sends
//
// An origin is a scheme, host and port, compared exactly. A request for another
// origin fails with an [*OriginError] before a byte is sent. When a listed
// service redirects elsewhere, the redirect is followed without any credential;
// one from https to http is refused with a [*RedirectError].
//
// Sources:
// https://docs.cloud.google.com/iap/docs/authentication-howto,
// https://docs.cloud.google.com/iap/docs/query-parameters-and-headers-howto,
// https://docs.cloud.google.com/iap/docs/faq.
package iap
