// Package iapgrpc reaches gRPC services behind Google's Identity-Aware Proxy (IAP), as
// package iap does those that speak HTTP:
//
//	conn, err := iapgrpc.NewClient(session, "app.example.com:443")
//	...
//	client := pb.NewGreeterClient(conn)
//
// # What it sends
//
// [Credentials] add the ID token of whoever is signed in to calls for the origins that they
// were given, and to no others: what counts is the authority of a call, which is the name
// that TLS verified. The token goes into the metadata "authorization", or into
// "proxy-authorization" when the call has an "authorization" of its own, which IAP then
// passes on to the service. That is seen when it stands in the call's outgoing metadata;
// other credentials of the call that set it cannot be seen.
//
// # What it makes of the answer
//
// IAP knows nothing of gRPC. It refuses a call with 401, or with a redirect to a sign-in
// page, which grpc-go reports as UNAUTHENTICATED and UNKNOWN. The interceptors of
// Credentials renew the token then and make the call again, once. A stream is made again
// while nothing was received on it and the messages that were sent are few. If that does not
// help, and for IAP's 403, the error is an [iap.RefusedError], to be found with [errors.As],
// in a status of UNAUTHENTICATED or PERMISSION_DENIED of which the message says what to do.
// A status that the service itself gives is handed back as it is.
//
// Sources:
// https://docs.cloud.google.com/iap/docs/authentication-howto,
// https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md.
package iapgrpc
