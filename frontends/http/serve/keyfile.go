package serve

import (
	"bytes"
	"cmp"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

// A keyFile has the header that the token API wants, in the form that curl -H
// @FILE takes, for nobody but the user.
type keyFile struct{ path, key string }

const headerName = "Authorization: Bearer "

// header is the content of the file.
func (k *keyFile) header() []byte { return []byte(headerName + k.key + "\n") }

// writeKey makes a key and writes it to its file. There is none, and no API, where
// the frontend ends with the sign-in, or has no place for it.
func (f *frontend) writeKey() (*keyFile, error) {
	if f.Config.Once || f.Dir == "" && f.Config.APIKey == "" {
		return nil, nil
	}
	path, err := privatefile.Resolve(cmp.Or(f.Config.APIKey, filepath.Join(f.Dir, "api-key")), "")
	if err != nil {
		return nil, err
	}
	k := &keyFile{path: path, key: loopback.NewKey()}
	if err := privatefile.MakeDir(filepath.Dir(k.path), f.Config.APIKey == ""); err != nil {
		return nil, err
	}
	return k, privatefile.ReplaceOutput(k.path, func(old []byte) ([]byte, error) {
		if len(old) > 0 && !bytes.HasPrefix(old, []byte(headerName)) {
			return nil, &fault.Error{Subject: k.path, Kind: fault.BadConfig, Problem: "the file has something else in it than the key of the token API",
				Remedy: fault.CorrectSetting.On("api_key_file")}
		}
		return k.header(), nil
	})
}

// remove removes the file, unless a later run has written it.
func (k *keyFile) remove() {
	if k == nil {
		return
	}
	_ = privatefile.RemoveOutput(k.path, k.header())
}
