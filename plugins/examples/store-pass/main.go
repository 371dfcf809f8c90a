// Command store-pass is a plugin of tokentoss that keeps sessions in pass, the
// standard Unix password manager.
package main

import (
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/examples/store-pass/pass"
)

func main() { plugins.Serve(pass.Plugin()) }
