// Command visit is a browser for tests, on systems that have none: it goes where the
// address leads, which may be a page in a file that leads elsewhere.
package main

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
)

func main() {
	if err := visit(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, "visit:", err)
		os.Exit(1)
	}
}

// refresh is where a page leads.
var refresh = regexp.MustCompile(`http-equiv="refresh" content="0; url=([^"]+)"`)

func visit(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	if u.Scheme == "file" {
		page, err := os.ReadFile(strings.TrimPrefix(u.Path, "/")) // of a drive
		if err != nil {
			return err
		}
		to := refresh.FindSubmatch(page)
		if to == nil {
			return fmt.Errorf("%s leads nowhere", u.Path)
		}
		address = html.UnescapeString(string(to[1]))
	}
	res, err := http.Get(address)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
