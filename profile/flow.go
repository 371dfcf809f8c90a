package profile

import (
	"fmt"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/device"
)

// The flows that a profile can have.
const (
	BrowserFlow = "browser" // in a browser, by a redirect or a pasted address
	DeviceFlow  = "device"  // on another machine, by a code that is typed in there
)

// flow returns what signs a person in. A profile has one OAuth client, and its
// sessions belong to that client: since Google wants a client of its own for
// devices, the device flow has a profile of its own there.
func (p *Profile) flow(o Options) (core.FlowFunc, error) {
	auth := p.authOptions(o)
	switch p.Settings.Flow {
	case "", BrowserFlow:
		return authcode.New(auth), nil
	case DeviceFlow:
		return device.New(device.Options{Scopes: auth.Scopes, Timeout: auth.Timeout}), nil
	}
	return nil, &SettingError{Key: "flow", Err: fmt.Errorf("%q is none of %s", p.Settings.Flow, strings.Join(Flows(), ", "))}
}

// authOptions returns those of the code flow.
func (p *Profile) authOptions(o Options) authcode.Options {
	auth := p.Settings.authOptions()
	if o.Auth != nil {
		o.Auth(&auth)
	}
	return auth
}

// authOptions returns the settings that the code flow takes.
func (s Settings) authOptions() authcode.Options {
	o := authcode.Options{Scopes: s.Scopes, Port: s.RedirectPort, LoginHint: s.LoginHint}
	for k, v := range s.AuthParams {
		if o.Extra == nil {
			o.Extra = make(map[string][]string)
		}
		o.Extra.Set(k, v)
	}
	return o
}
