package cli

import (
	"fmt"
	"html"
	"net/url"
	"os"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

// A redirect is a private file that sends a browser on to an address. An address
// with a secret in it must not be an argument of the browser, which every user of
// the machine could see.
type redirect struct{ path string }

const redirectPage = `<!DOCTYPE html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=%[1]s">
<title>tokentoss</title>
<p>This page opens <a href="%[1]s" rel="noreferrer">the page of tokentoss</a>.</p>
`

// newRedirect writes the file.
func newRedirect(to string) (*redirect, error) {
	dir, err := privatefile.RuntimeDir()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "open-*.html") // mode 0600
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(f, redirectPage, html.EscapeString(to))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return nil, err
	}
	return &redirect{f.Name()}, nil
}

// url is the address of the file.
func (r *redirect) url() string {
	path := filepath.ToSlash(r.path)
	if path[0] != '/' {
		path = "/" + path // of a drive
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

func (r *redirect) remove() { _ = os.Remove(r.path) }
