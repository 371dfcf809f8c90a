// Package profile finds and opens the session that a person configured: the
// same one for the command line, for notebooks and for Go programs.
//
//	p, err := profile.Open(profile.Options{})
//	if err != nil { ... }
//	defer p.Close()
//	client, err := p.HTTPClient("https://my-service.run.app")
//
// A profile is a name, an OAuth client, settings and a store. Everything is in
// one private directory:
//
//	config.toml                        settings, also those of other profiles
//	client_secrets.json                the OAuth client
//	tokens.json                        the session, file store
//	profiles/NAME/client_secrets.json  another profile's own OAuth client
//	profiles/NAME/tokens.json          another profile's session
//
// A profile without an OAuth client of its own uses the default profile's: two
// accounts need two profiles and one client.
package profile
