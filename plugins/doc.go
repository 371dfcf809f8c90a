// Package plugins makes a store or a frontend into an executable that tokentoss
// loads. An author writes a core.TokenStore or a core.Frontend, and this main:
//
//	func main() {
//		plugins.Serve(plugins.Store(plugins.Info{
//			Name: "pass", Version: "v0.1.0", About: "the pass password manager", Listing: true,
//		}, pass.Open))
//	}
//
// where pass.Open has the settings that a person wrote in config.toml in a type
// of its own:
//
//	type Config struct {
//		Folder string `json:"folder" about:"folder in the password store"`
//	}
//
//	func Open(ctx context.Context, o plugins.Opening[Config]) (core.TokenStore, error)
//
// A [Plugin] is the same value wherever it runs: called in this process, served
// from its own executable by [Serve], or served by an executable that has several
// of them. Package plugintest runs the conformance kits of core over all of these.
//
// # What a plugin may rely on
//
// Its environment has only what a program of a person's needs (see package host).
// Its standard input is empty. What it prints to standard output goes nowhere, and
// to standard error into tokentoss's log; use [Opening.Log]. It ends when tokentoss
// ends, however that ends. The connection is over a private socket with TLS in
// which either side knows the other's key.
//
// Errors keep their identity on the way: what errors.Is finds in this process it
// finds in the other, for the errors of package core and those of package context.
// Texts have what looks like a token or a key taken out.
package plugins
