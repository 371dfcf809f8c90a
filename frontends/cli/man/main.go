// Command man writes the man pages of tokentoss from its command tree: tokentoss(1),
// and one page a command.
//
//	man [-version VERSION] [-date YYYY-MM-DD] DIR
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tokentoss/tokentoss/frontends/cli"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("man", flag.ContinueOnError)
	version := flags.String("version", "", "the `VERSION` that is described")
	date := flags.String("date", "1970-01-01", "the `DATE` of the pages")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: man [-version VERSION] [-date YYYY-MM-DD] DIR")
	}
	dir := flags.Arg(0)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range pages(cli.Tree(), *version, *date) {
		if err := os.WriteFile(filepath.Join(dir, name+".1"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
