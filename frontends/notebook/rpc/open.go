package rpc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/profile"
	"github.com/tokentoss/tokentoss/stores/file"
	"github.com/tokentoss/tokentoss/stores/memory"
)

// openParams are those of session.open.
type openParams struct {
	Profile  string       `json:"profile"`
	Store    *storeParam  `json:"store"`
	Client   *clientParam `json:"client"`
	Scopes   []string     `json:"scopes"`
	Lifetime *float64     `json:"max_session_lifetime_seconds"`
	Visitor  bool         `json:"visitor"` // the session is that of who visits an app
}

// A storeParam says where the session is kept. One of the members is set.
type storeParam struct {
	Name   string       `json:"name"`
	File   string       `json:"file"`
	Memory *memoryParam `json:"memory"`
}

// A memoryParam is a session that is kept by this process alone.
type memoryParam struct {
	Record json.RawMessage `json:"record"` // to begin with
}

// A clientParam is an OAuth client, or the file that has it.
type clientParam struct {
	ClientID     string      `json:"client_id"`
	ClientSecret core.Secret `json:"client_secret"`
	ProjectID    string      `json:"project_id"`
	AuthURI      string      `json:"auth_uri"`
	TokenURI     string      `json:"token_uri"`
	File         string      `json:"file"`
}

// memoryStore is the name of the store that this process keeps.
const memoryStore = "memory"

// options returns what to open.
func (p openParams) options(ctx context.Context, h Host) (profile.Options, error) {
	o := profile.Options{Dir: h.Dir, Name: cmp.Or(p.Profile, h.Profile), Store: h.Store, OpenFlow: h.OpenFlow, Logger: h.Log}
	if h.OpenStore != nil {
		o.OpenStore = func(name string, place profile.Place) (core.TokenStore, error) { return h.OpenStore(ctx, name, place) }
	}
	if p.Store != nil {
		if err := p.Store.apply(ctx, &o); err != nil {
			return o, err
		}
	}
	if p.Visitor && (p.Store == nil || p.Store.Memory == nil) {
		return o, misuse(codeInvalidParams, "params: a visitor's session is kept in memory")
	}
	o.FixedClient = p.Visitor
	if p.Client != nil {
		client, err := p.Client.read()
		if err != nil {
			return o, err
		}
		o.Client = &client
	}
	lifetime, err := p.lifetime()
	if err != nil {
		return o, err
	}
	o.Override = func(s *profile.Settings) {
		if p.Scopes != nil {
			s.Scopes = p.Scopes
		}
		s.SessionLifetime = cmp.Or(lifetime, s.SessionLifetime)
	}
	return o, nil
}

// lifetime returns the setting, or "" for the profile's.
func (p openParams) lifetime() (string, error) {
	if p.Lifetime == nil {
		return "", nil
	}
	const most = float64(math.MaxInt64 / int64(time.Second))
	s := *p.Lifetime
	switch {
	case s < 0 || s >= most:
		return "", misuse(codeInvalidParams, "params: max_session_lifetime_seconds is out of range; 0 is no limit")
	case s == 0:
		return "0", nil
	}
	return max(time.Duration(s*float64(time.Second)), 1).String(), nil
}

// apply has the session kept where s says.
func (s *storeParam) apply(ctx context.Context, o *profile.Options) error {
	given := 0
	for _, is := range []bool{s.Name != "", s.File != "", s.Memory != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return misuse(codeInvalidParams, "params: store has one of name, file and memory")
	}
	var open func(key string) (core.TokenStore, error)
	switch {
	case s.Name != "":
		o.Store = s.Name
		return nil
	case s.File != "":
		if !filepath.IsAbs(s.File) {
			return misuse(codeInvalidParams, "params: store.file is not an absolute path")
		}
		o.Store = profile.FileStore
		open = func(string) (core.TokenStore, error) { return file.NewFile(s.File) }
	default:
		o.Store = memoryStore
		open = func(key string) (core.TokenStore, error) { return s.Memory.open(ctx, key) }
	}
	o.Stores = map[string]func(profile.Place) (core.TokenStore, error){
		o.Store: func(p profile.Place) (core.TokenStore, error) { return open(p.Profile) },
	}
	return nil
}

// open returns a store that has the record under key.
func (m *memoryParam) open(ctx context.Context, key string) (core.TokenStore, error) {
	s := memory.New()
	if len(m.Record) == 0 || string(m.Record) == "null" {
		return s, nil
	}
	_, err := s.Save(ctx, key, core.Record{Data: m.Record})
	return s, err
}

// read returns the client.
func (p *clientParam) read() (core.ClientSecrets, error) {
	if p.File != "" {
		if (*p != clientParam{File: p.File}) {
			return core.ClientSecrets{}, misuse(codeInvalidParams, "params: a client has either file or the other members")
		}
		return readClient(p.File)
	}
	cs := core.ClientSecrets{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, ProjectID: p.ProjectID, AuthURI: p.AuthURI, TokenURI: p.TokenURI,
	}
	if cs.ClientID == "" {
		return cs, misuse(codeInvalidParams, "params: a client has client_id or file")
	}
	return cs, nil
}

// maxClient bounds a file with a client, in bytes.
const maxClient = 1 << 20

// readClient reads a client_secrets.json. It may lie where the browser put it.
func readClient(path string) (core.ClientSecrets, error) {
	var none core.ClientSecrets
	if !filepath.IsAbs(path) {
		return none, misuse(codeInvalidParams, "params: the client's file is not an absolute path")
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a file")
	}
	var data []byte
	if err == nil {
		data, err = readSmall(path)
	}
	if err != nil {
		var bare *os.PathError
		if errors.As(err, &bare) {
			err = bare.Err
		}
		return none, failure("bad_client", plain(fmt.Sprintf("OAuth client file %s: %v", path, err)), "check the path")
	}
	cs, err := oidc.ParseClientSecrets(data)
	if err != nil {
		return none, fmt.Errorf("%s: %w", path, err)
	}
	return cs, nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxClient+1))
	if err == nil && len(data) > maxClient {
		err = errors.New("it is larger than 1 MiB, which no client file is")
	}
	return data, err
}
