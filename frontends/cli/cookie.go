package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/profile"
)

// cookieName is the cookie in which IAP takes an ID token.
const cookieName = "GCP_IAAP_AUTH_TOKEN"

// jarHeader begins a cookie jar, whose format curl, wget and git share.
const jarHeader = "# Netscape HTTP Cookie File"

// mayGet refuses a URL that the transport would not send the token to.
func (in *Invocation) mayGet(p *profile.Profile, target string) error {
	target, err := in.target(target)
	if err != nil {
		return err
	}
	o := iap.Options{Origins: []string{target}, InsecureLoopback: p.Settings.InsecureLoopback}
	if _, err := iap.NewTransport(p.Session, o); err != nil {
		return refusedTarget(err, target)
	}
	return nil
}

// cookie formats the token as a cookie jar for the host of target, or as
// NAME=VALUE.
func cookie(target string, id core.IDToken) (string, error) {
	if target == "" {
		value, err := lineOf(id.Value)
		return cookieName + "=" + value, err
	}
	place, rest, err := jarLine(target, id)
	return jarHeader + "\n" + place + rest, err
}

// jarLine is the cookie's line in a jar: where the cookie goes, and the rest. Scripts
// in pages do not see it, and it goes over TLS only. A jar knows hosts, not
// ports: the cookie goes to every port of the host.
func jarLine(target string, id core.IDToken) (place, rest string, err error) {
	u, err := parseTarget(target)
	if err != nil {
		return "", "", err
	}
	secure := "FALSE"
	if strings.EqualFold(u.Scheme, "https") {
		secure = "TRUE"
	}
	value, err := lineOf(id.Value)
	if err != nil {
		return "", "", err
	}
	place = "#HttpOnly_" + strings.ToLower(u.Hostname()) + "\tFALSE\t/\t"
	return place, fmt.Sprintf("%s\t%d\t%s\t%s", secure, id.Expiry.Unix(), cookieName, value), nil
}

// writeJar puts the cookie into a jar, in place of an earlier one. Other cookies
// in it stay. The jar is private from its first moment, and whole at any.
func writeJar(path, target string, id core.IDToken) error {
	place, rest, err := jarLine(target, id)
	if err != nil {
		return err
	}
	lines, err := readJar(path)
	if err != nil {
		return &hintedError{fmt.Errorf("the cookie jar: %w", err), "name another file with --jar"}
	}
	kept := make([]string, 0, len(lines)+1)
	for _, l := range lines {
		if !strings.HasPrefix(l, place) || !strings.Contains(l, "\t"+cookieName+"\t") {
			kept = append(kept, l)
		}
	}
	text := strings.Join(append(kept, place+rest), "\n") + "\n"
	if err := replaceFile(path, text); err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = fmt.Errorf("%s: %w", path, pe.Err) // the name of the temporary file says nothing to a person
		}
		return &hintedError{fmt.Errorf("the cookie jar: %w", err), "name a file that can be written with --jar"}
	}
	return nil
}

// readJar returns the lines of a jar. One that is not there is an empty one.
func readJar(path string) ([]string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []string{jarHeader}, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case info.Size() > maxInput:
		return nil, fmt.Errorf("%s is too large for a cookie jar", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return []string{jarHeader}, nil
	}
	// What else a mistyped name may mean must not be lost.
	if first, _, _ := strings.Cut(text, "\n"); !strings.Contains(first, "HTTP Cookie File") {
		return nil, fmt.Errorf("%s exists and is not a cookie jar", path)
	}
	return strings.Split(text, "\n"), nil
}

// replaceFile writes a private file beside path and gives it that name.
func replaceFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tokentoss-")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
