// Command tokentoss-host is tokentoss with all its commands, and the plugins that
// come with it. tokentoss runs it for what it does not have itself.
package main

import (
	"os"

	"github.com/tokentoss/tokentoss/frontends/cli/full"
	"github.com/tokentoss/tokentoss/plugins/protect"
)

func main() {
	protect.Memory()
	os.Exit(full.Main())
}
