package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/privatefile"
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
	if err := p.CheckLent(target); err != nil {
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
// in it stay. The jar is private, and whole at any moment.
func writeJar(path, target string, id core.IDToken) error {
	where, rest, err := jarLine(target, id)
	if err != nil {
		return err
	}
	err = privatefile.ReplaceOutput(path, func(old []byte) ([]byte, error) {
		lines, err := jarLines(old)
		if err != nil {
			return nil, fmt.Errorf("%s %w", path, err)
		}
		lines = slices.DeleteFunc(lines, func(l string) bool {
			return strings.HasPrefix(l, where) && strings.Contains(l, "\t"+cookieName+"\t")
		})
		return []byte(strings.Join(append(lines, where+rest), "\n") + "\n"), nil
	})
	if err != nil {
		return &hintedError{fmt.Errorf("the cookie jar: %w", err), "name another file with --jar"}
	}
	return nil
}

// jarLines returns the lines of a jar. What a mistyped name may also stand for must
// not be lost.
func jarLines(data []byte) ([]string, error) {
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return []string{jarHeader}, nil
	}
	if first, _, _ := strings.Cut(text, "\n"); !strings.Contains(first, "HTTP Cookie File") {
		return nil, errors.New("exists and is not a cookie jar")
	}
	return strings.Split(text, "\n"), nil
}
