package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/tokentoss/tokentoss/profile"
)

// credentialGo is a command of GOAUTH ("go help goauth"). Go runs it before its first
// request, without a URL, and again with one after each answer of 4xx: so a build outlives
// its first token. Go's own requests are https only, and so are the services that it is
// told of. What Go says of the answer, on standard input, is of no use here.
func credentialGo(ctx context.Context, in *Invocation) error {
	t, err := in.openTool(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	asked := in.Args().First()
	services, err := goServices(t.settings, asked)
	if err != nil || len(services) == 0 {
		return err
	}
	header := "Authorization: Bearer "
	_, text, err := t.token(ctx, oneShot)
	switch {
	case err != nil && asked == "":
		// IAP then refuses what Go asks for, and Go says so, rather than lead it to a
		// page that Go takes for a module.
		header, text = "X-Requested-With: ", "XMLHttpRequest"
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(in.Stdout, "%s\n\n%s%s\n\n", strings.Join(services, "\n"), header, text)
	return err
}

// goServices returns the services that Go is to send the token to: that of a URL that it
// asks about, in its own spelling, which it compares with; or else all.
func goServices(s profile.Settings, asked string) (list []string, err error) {
	if asked != "" {
		u, err := parseTarget(asked)
		if err != nil {
			return nil, err
		}
		if ok, err := isTarget(s, u); err != nil || !ok || u.Scheme != "https" {
			return nil, err
		}
		return []string{"https://" + u.Host}, nil
	}
	for _, target := range s.Targets {
		u, err := url.Parse(target)
		if err != nil || !strings.EqualFold(u.Scheme, "https") {
			continue
		}
		if ok, err := isTarget(s, u); err != nil || !ok { // finds what is wrong with any
			return nil, err
		}
		list = append(list, "https://"+strings.TrimSuffix(strings.ToLower(u.Host), ":443"))
	}
	if len(list) == 0 {
		return nil, noTargets("go", "https://goproxy.example.com")
	}
	return list, nil
}
