package profile

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// EnvKeyFile is where a machine's key file is when its settings do not say, as for
// Google's own libraries and gcloud.
const EnvKeyFile = "GOOGLE_APPLICATION_CREDENTIALS"

// Flows returns the names of all flows: those of persons, then those of machines,
// which package github.com/tokentoss/tokentoss/core/googleid/machine has.
func Flows() []string { return append([]string{BrowserFlow, DeviceFlow}, machineFlows()...) }

func machineFlows() []string {
	return []string{"impersonation", "metadata", "service_account", "signed_jwt", "workload_identity"}
}

// IsMachine tells whether the profile is a machine's, which nobody signs in.
func (s Settings) IsMachine() bool { return slices.Contains(machineFlows(), s.Flow) }

// machine returns the machine of the profile, nil when it is a person's. Its key
// file's path is made whole.
func (p *Profile) machine(o Options) (*core.Machine, error) {
	s := &p.Settings
	if !s.IsMachine() {
		return nil, nil
	}
	if s.Audience == "" {
		return nil, &SettingError{Key: "audience", Err: errors.New("a machine's tokens need one: the ID of an OAuth client of the service, or for signed_jwt its URL")}
	}
	var err error
	if s.KeyFile != "" {
		s.KeyFile, err = resolve("key_file", s.KeyFile, p.Dir)
	} else if env := os.Getenv(EnvKeyFile); env != "" {
		s.KeyFile, err = resolve(EnvKeyFile, env, "")
	}
	if err != nil {
		return nil, err
	}
	m := &core.Machine{Name: s.machineName(), Issuer: s.Issuer, Audience: s.Audience}
	if o.OpenFlow == nil {
		return m, nil
	}
	if m.Flow, err = o.OpenFlow(*s, Place{Dir: p.Dir, Profile: p.Name, Config: p.config}); err != nil {
		return nil, err
	}
	self, ok := m.Flow.(interface{ SelfSigned() bool })
	m.SelfSigned = ok && self.SelfSigned()
	return m, nil
}

// machineName says who the machine is and what its tokens are for. A program that
// cannot obtain them knows by it whether those are its tokens which are stored.
func (s Settings) machineName() string {
	parts := []string{s.Flow}
	for _, part := range []struct{ word, value string }{
		{"as ", s.ServiceAccount}, {"key file ", s.KeyFile}, {"through ", strings.Join(s.Delegates, ", ")},
		{"for ", s.Audience}, {"of ", s.Issuer},
	} {
		if part.value != "" {
			parts = append(parts, part.word+part.value)
		}
	}
	return strings.Join(parts, ", ")
}
