// Package host has the commands that only tokentoss-host has, since they link
// more than a light executable should.
package host

import "github.com/tokentoss/tokentoss/frontends/cli"

// Commands returns the commands by name.
func Commands() map[string]cli.Action {
	return map[string]cli.Action{"emulator": runEmulator, "demo": runDemo}
}
