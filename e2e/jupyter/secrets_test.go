//go:build linux

package jupyter_test

import (
	"encoding/base64"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// secrets are all those of a desk, with their kinds: what the provider gave out and was
// sent, and the addresses that the widgets were sent.
type secrets struct {
	desk *desk

	mu    sync.Mutex
	kinds map[string]string // by secret
}

// kinds are those that a sign-in with a refresh has.
var kinds = []string{"code", "state", "verifier", "challenge", "client secret", "ID token", "access token", "refresh token", "e-mail", "address"}

// watchSecrets begins to collect.
func watchSecrets(d *desk) *secrets {
	s := &secrets{desk: d, kinds: map[string]string{}}
	s.add("client secret", d.client.ClientSecret.Reveal())
	s.add("e-mail", ada, grace)
	d.provider.SetTokenAnswer(func(_ string, answer map[string]any) {
		for name, kind := range map[string]string{"id_token": "ID token", "access_token": "access token", "refresh_token": "refresh token"} {
			if v, ok := answer[name].(string); ok {
				s.add(kind, v)
			}
		}
	})
	return s
}

func (s *secrets) add(kind string, values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range values {
		if v == "" {
			continue
		}
		s.kinds[v], s.kinds[url.QueryEscape(v)] = kind, kind
		// The claims and the signature of an ID token are secrets too.
		if parts := strings.Split(v, "."); kind == "ID token" && len(parts) == 3 {
			s.kinds[parts[1]], s.kinds[parts[2]] = kind, kind
		}
	}
}

// collect adds what the provider was sent.
func (s *secrets) collect() {
	for _, r := range s.desk.provider.Requests() {
		s.add("state", r.Query["state"]...)
		s.add("challenge", r.Query["code_challenge"]...)
		s.add("code", r.Form["code"]...)
		s.add("verifier", r.Form["code_verifier"]...)
		s.add("refresh token", r.Form["refresh_token"]...)
		s.add("refresh token", r.Form["token"]...)
	}
	s.add("address", s.desk.provider.GoogleURL()+"/o/oauth2/v2/auth?")
}

var armedAddress = regexp.MustCompile(`"auth_url":\s*"([^"]+)"`)

// listen adds the addresses that a page is sent by its kernel, also those that nobody
// ever opens.
func (s *secrets) listen(event any) {
	frame, ok := event.(*network.EventWebSocketFrameReceived)
	if !ok {
		return
	}
	text := frame.Response.PayloadData
	if data, err := base64.StdEncoding.DecodeString(text); err == nil {
		text = string(data) // a binary frame
	}
	for _, m := range armedAddress.FindAllStringSubmatch(text, -1) {
		address := strings.ReplaceAll(m[1], `\u0026`, "&")
		s.add("address", address)
		if u, err := url.Parse(address); err == nil {
			s.add("state", u.Query()["state"]...)
			s.add("challenge", u.Query()["code_challenge"]...)
		}
	}
}

// in returns the kinds of secrets that are in text, in the order of kinds.
func (s *secrets) in(text string) (found []string) {
	s.collect()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kind := range kinds {
		for secret, k := range s.kinds {
			if k == kind && strings.Contains(text, secret) {
				found = append(found, kind)
				break
			}
		}
	}
	return found
}

// known returns the kinds of which there is a secret.
func (s *secrets) known() (all []string) {
	s.collect()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kind := range kinds {
		for _, k := range s.kinds {
			if k == kind {
				all = append(all, kind)
				break
			}
		}
	}
	return all
}

// wantNone fails if a file has a secret that lies below the desk's notebooks, in its
// home or among what the server keeps. Tokentoss's own two files are for secrets.
func (s *secrets) wantNone(t *testing.T) {
	t.Helper()
	files := 0
	for _, dir := range []string{s.desk.notes, s.desk.home, s.desk.server.home} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || slices.Contains([]string{"client_secrets.json", "tokens.json"}, e.Name()) {
				return nil // it may have gone meanwhile
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return nil
			}
			files++
			if found := s.in(string(data)); len(found) > 0 {
				t.Errorf("%s has the %s", path, strings.Join(found, ", "))
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files == 0 {
		t.Error("there is no file to look into")
	}
	if found := s.in(s.desk.server.said.text()); len(found) > 0 {
		t.Errorf("the log of the server and of kernels has the %s", strings.Join(found, ", "))
	}
}
