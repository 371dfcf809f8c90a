package host

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
)

// ParseUse reads a table [stores.NAME] or [frontends.NAME] of config.toml. The
// keys "plugin" (NAME where it is missing), "timeout" and "env" are the host's;
// all others are the plugin's own.
func ParseUse(name string, table map[string]any) (Use, error) {
	use := Use{Plugin: name, Request: plugins.Request{Name: name}}
	rest := maps.Clone(table)
	for _, key := range []string{"plugin", "timeout", "env"} {
		value, ok := rest[key]
		if !ok {
			continue
		}
		delete(rest, key)
		if err := use.set(key, value); err != nil {
			return use, &fault.Error{Subject: "plugin " + use.Plugin, Problem: "setting " + key, Err: err, Kind: fault.BadConfig, Remedy: fault.CorrectSetting.On(key)}
		}
	}
	if len(rest) == 0 {
		return use, nil
	}
	var err error
	use.Settings, err = json.Marshal(rest)
	return use, err
}

func (u *Use) set(key string, value any) error {
	text, isText := value.(string)
	switch key {
	case "plugin":
		if !isText || text == "" {
			return fmt.Errorf("it wants the name of a plugin")
		}
		u.Plugin = text
	case "timeout":
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return fmt.Errorf(`%v is not a duration such as "30s"`, value)
		}
		u.Timeout = d
	case "env":
		list, ok := value.([]any)
		if !ok {
			return fmt.Errorf("it wants a list of names of variables")
		}
		for _, v := range list {
			name, ok := v.(string)
			if !ok || name == "" {
				return fmt.Errorf("it wants a list of names of variables")
			}
			u.Environment = append(u.Environment, name)
		}
	}
	return nil
}
