// Command tokentoss-host is tokentoss with all its commands. tokentoss runs it
// for those that it does not have itself.
package main

import (
	"os"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/cli/host"
)

func main() { os.Exit(cli.Main(host.Commands())) }
