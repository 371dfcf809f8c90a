package googleid

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/tokentoss/tokentoss/core/proxyenv"
)

const (
	// fetchTimeout bounds a fetch of the keys, for which requests may be waiting.
	fetchTimeout = 5 * time.Second

	// maxKeys is the size of the largest answer that is read, in bytes.
	maxKeys = 1 << 20
)

func ownTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:               proxyenv.FromEnvironment,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: fetchTimeout,
		ForceAttemptHTTP2:   true,
		// A fetch in some hours is not worth an idle connection.
		DisableKeepAlives: true,
	}
}

// checkURL refuses all but https, and loopback http where it is allowed.
func checkURL(rawURL string, insecureLoopback bool) error {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("not an absolute URL")
	}
	if u.Scheme == "https" {
		return nil
	}
	if addr, err := netip.ParseAddr(u.Hostname()); u.Scheme == "http" && err == nil && addr.IsLoopback() {
		if insecureLoopback {
			return nil
		}
		return errors.New("plain http is for emulators on this machine, and must be allowed explicitly")
	}
	return errors.New("keys are fetched by https only")
}

// fetch asks for the keys. Redirects are answers like others: whoever answers for
// them decides who is believed.
func (s *keySet) fetch(ctx context.Context) ([]byte, http.Header, error) {
	fail := func(problem string, err error) ([]byte, http.Header, error) {
		return nil, nil, &KeysError{Host: hostOf(s.url), Problem: problem, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return fail("its URL cannot be used", nil)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tokentoss")
	res, err := s.transport.RoundTrip(req)
	if err != nil {
		return fail("no answer", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fail(fmt.Sprintf("answered %d %s", res.StatusCode, http.StatusText(res.StatusCode)), nil)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeys+1))
	switch {
	case err != nil:
		return fail("its answer was cut short", err)
	case len(body) > maxKeys:
		return fail("its answer is larger than 1 MiB", nil)
	}
	return body, res.Header, nil
}

func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "the key server"
	}
	return u.Host
}
