package doctor

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/iap"
)

const marker = iap.GeneratedHeader

// maxBody is how much of an answer is looked at.
const maxBody = 64 << 10

// An answer is what a server said.
type answer struct {
	url    *url.URL
	status int
	header http.Header
	body   []byte // its beginning

	dated  bool          // it says what time it is
	offset time.Duration // this machine's clock minus the server's
}

// A recorder is a RoundTripper that remembers the last answer, of which a transport
// above it may make an error.
type recorder struct {
	base http.RoundTripper
	last *answer
}

// RoundTrip implements [http.RoundTripper].
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.last = nil
	sent := time.Now()
	resp, err := r.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	took := time.Since(sent)
	// What could not be read says nothing; the status does.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	r.last = &answer{url: req.URL, status: resp.StatusCode, header: resp.Header, body: body}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// The second that the header leaves out, and half of the way.
		r.last.dated = true
		r.last.offset = sent.Add(took / 2).Sub(date.Add(500 * time.Millisecond))
	}
	return resp, nil
}

// get asks for u as a browser without a session would. client makes the request;
// nil is one without a token.
func (p *probe) get(ctx context.Context, u *url.URL, token http.RoundTripper) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	var through http.RoundTripper = p.recorder
	if token != nil {
		through = token
		req.Header.Set("Accept", "*/*")
	} else {
		req.Header.Set("Accept", "text/html,*/*")
	}
	req.Header.Set("User-Agent", "tokentoss-doctor")
	resp, err := through.RoundTrip(req)
	if err != nil {
		return p.recorder.last, err
	}
	_ = resp.Body.Close()
	return p.recorder.last, nil
}

// marked tells whether IAP made the answer.
func (a *answer) marked() bool { return a.header.Get(marker) != "" }

// line is the status line.
func (a *answer) line() string {
	return strings.TrimSpace(strconv.Itoa(a.status) + " " + http.StatusText(a.status))
}

// says tells whether the body has any of these texts.
func (a *answer) says(texts ...string) bool {
	for _, t := range texts {
		if bytes.Contains(a.body, []byte(t)) {
			return true
		}
	}
	return false
}

// location is where the answer redirects to, or nil.
func (a *answer) location() *url.URL {
	switch a.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	to, err := a.url.Parse(a.header.Get("Location"))
	if err != nil || to.Host == "" {
		return nil
	}
	return to
}

var errorCode = pattern(`[Ee]rror code:? (\d{1,5})`)

// code is N of "Error code N" on IAP's page, or 0.
func (a *answer) code() int {
	if m := errorCode().FindSubmatch(a.body); m != nil {
		n, _ := strconv.Atoi(string(m[1]))
		return n
	}
	return 0
}

var clientID = pattern(`\b\d{5,20}-[0-9a-z]{2,64}\.apps\.googleusercontent\.com\b`)

// otherClients are the OAuth clients that the body names beside own.
func (a *answer) otherClients(own string) string {
	var ids []string
	for _, m := range clientID().FindAll(a.body, 8) {
		if id := string(m); id != own && !strings.Contains(strings.Join(ids, " "), id) {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, ", ")
}

// shown is a URL as a finding shows it: without its query, which may be private.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// origin is the URL's scheme and host.
func origin(u *url.URL) string { return strings.ToLower(u.Scheme + "://" + u.Host) }
