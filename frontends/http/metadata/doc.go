// Package metadata is the frontend that answers as the metadata server of a Google
// Cloud machine does, so that programs which use Google's client libraries get ID
// tokens of this session without a change: they look for the server where
// GCE_METADATA_HOST says.
//
// It answers, below /computeMetadata/v1/,
//
//	instance/service-accounts/default/identity?audience=AUDIENCE   an ID token
//	instance/service-accounts/[default/[email|aliases|scopes]]     whose
//	project/project-id                                             if one is set
//	universe/universe-domain                                       googleapis.com
//
// with lists of what there is, and JSON for recursive=true and alt=json. It has no
// access tokens: those of a person are not a machine's, and reach far more.
//
// The token of a person is for the audience of the OAuth client that it was got
// with, and for no other. Who asks for another one is refused, since the service
// would refuse the token; [Config.AnyAudience] changes that.
//
// # Who may use it
//
// The protocol has no secret. What keeps others out is, in this order: it listens
// on a loopback address only; the Host must be its own (DNS rebinding); pages in
// browsers are refused by Origin and Sec-Fetch-Site; the header Metadata-Flavor,
// which no page can send without being allowed to; and no X-Forwarded-For, as no
// request that was relayed is meant for it. Other users of the machine are kept out
// by [Config.Guard]. Every program of the user's own can take a token, as it can by
// running tokentoss.
package metadata
