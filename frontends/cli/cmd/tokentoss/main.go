// Command tokentoss signs in with Google once and reaches services behind
// Identity-Aware Proxy from the command line.
package main

import (
	"os"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/plugins/protect"
)

func main() {
	protect.Memory()
	os.Exit(cli.Main(nil))
}
