// Command frontend-line is a plugin of tokentoss in which a person signs in over
// plain lines of text.
package main

import (
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/examples/frontend-line/line"
)

func main() { plugins.Serve(line.Plugin()) }
