package host

import "github.com/tokentoss/tokentoss/plugins/environment"

// Environment returns what a plugin gets of an environment; see
// [environment.Allowed].
func Environment(environ []string, more ...string) []string {
	return environment.Allowed(environ, more...)
}
