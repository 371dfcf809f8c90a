package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// Store returns what opens a store, for [Options].Stores, by a function such as
// keyring.Open. The settings of the table [stores.NAME] are decoded into C by the names that
// its fields have in JSON. The directory is the one that the command line uses for the
// store of that name, so that both have the same session.
//
//	p, err := profile.Open(profile.Options{Stores: map[string]func(profile.Place) (core.TokenStore, error){
//		"keyring": profile.Store(keyring.Open),
//	}})
func Store[C any](open func(c C, dir string) (core.TokenStore, error)) func(Place) (core.TokenStore, error) {
	return func(p Place) (core.TokenStore, error) {
		var c C
		if len(p.Settings) > 0 {
			data, err := json.Marshal(p.Settings)
			if err != nil {
				return nil, &SettingError{Key: "stores." + p.Store, Err: err}
			}
			dec := json.NewDecoder(bytes.NewReader(data))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&c); err != nil {
				return nil, &SettingError{Key: "stores." + p.Store, Err: err}
			}
		}
		if err := core.CheckKey(p.Store); err != nil {
			return nil, &core.Error{Subject: fmt.Sprintf("store %q", p.Store), Kind: fault.UnknownStore, Err: err}
		}
		return open(c, filepath.Join(p.Dir, "stores", p.Store))
	}
}
