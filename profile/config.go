package profile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// UnboundSetting has an encrypted store return sessions that are not bound to its key. A
// program sets it for a migration that a person watches; in config.toml it is refused.
const UnboundSetting = "accept_unbound"

// ConfigName is the name of the settings file.
const ConfigName = "config.toml"

// Settings of a profile, as in config.toml. At the top level of the file they
// apply to all profiles; in a [profiles.NAME] table to that one.
type Settings struct {
	// Store keeps the session: "file", or another that the program offers. The
	// table [stores.NAME] has its settings.
	Store string `toml:"store"`

	// Frontend signs in, for programs that offer several. The table
	// [frontends.NAME] has its settings.
	Frontend string `toml:"frontend"`

	// Flow is how one signs in: [BrowserFlow], which is also what empty means, or
	// [DeviceFlow]. The others of [Flows] are a machine's, which gets its tokens without
	// a person; see [Options].OpenFlow.
	Flow string `toml:"flow"`

	// Issuer is the OpenID provider; empty means Google.
	Issuer string `toml:"issuer"`

	// Scopes are asked for beside openid and email.
	Scopes []string `toml:"scopes"`

	// HostedDomain is the Google Workspace domain that accounts must be of.
	HostedDomain string `toml:"hosted_domain"`

	// RequireVerifiedEmail refuses accounts whose e-mail address the provider does not
	// say to be verified. At Google that is always so.
	RequireVerifiedEmail bool `toml:"require_verified_email"`

	// TrustedAudiences may stand beside the OAuth client in the aud of ID tokens, such
	// as the project of a ZITADEL.
	TrustedAudiences []string `toml:"trusted_audiences"`

	// LoginHint is the account to suggest at sign-in.
	LoginHint string `toml:"login_hint"`

	// Targets are the services that may be sent the token, as origins.
	Targets []string `toml:"targets"`

	// SessionLifetime is how long after a sign-in a new one is wanted, such as
	// "24h"; "0" means no limit.
	SessionLifetime string `toml:"session_lifetime"`

	// Browser is the command that opens a URL, or "none".
	Browser string `toml:"browser"`

	// RedirectPort is the loopback port of the redirect; 0 means a free one.
	RedirectPort int `toml:"redirect_port"`

	// AuthParams are further parameters of the authorization request.
	AuthParams map[string]string `toml:"auth_params"`

	// Audience is what a machine's tokens are for: the ID of an OAuth client, or for
	// signed_jwt the service's URL, such as https://service.example.com/*.
	Audience string `toml:"audience"`

	// KeyFile is a machine's: the key of a service account, or the configuration of workload
	// identity federation; a relative path begins at the configuration directory.
	// Empty means $GOOGLE_APPLICATION_CREDENTIALS.
	KeyFile string `toml:"key_file"`

	// ServiceAccount is the e-mail address of the one that a machine becomes, and Delegates are
	// those between it and the one that is here.
	ServiceAccount string   `toml:"service_account"`
	Delegates      []string `toml:"delegates"`

	// InsecureLoopback allows a provider and services at loopback addresses over
	// plain http, for an emulator.
	InsecureLoopback bool `toml:"insecure_loopback"`
}

// Config is the content of config.toml.
type Config struct {
	// Active is the profile that is used when none is named.
	Active string `toml:"profile"`

	// Idle is how long the agent that keeps stores open stays without a call, such
	// as "15m"; "0" means that there is none. See [Config.AgentIdle].
	Idle string `toml:"agent_idle"`

	// AgentMetrics and AgentBearer are where the agent gives metrics, and the file with the word
	// that who asks for them shows; see package frontends/http/metrics.
	AgentMetrics string `toml:"agent_metrics_listen"`
	AgentBearer  string `toml:"agent_metrics_bearer_file"`

	// AgentLog is the file in which the agent says what happens, in lines of JSON.
	AgentLog string `toml:"agent_log_file"`

	Settings

	Profiles map[string]Settings `toml:"profiles"`

	// Stores and Frontends are the settings of those that take any, by the name
	// that Settings call them.
	Stores    map[string]map[string]any `toml:"stores"`
	Frontends map[string]map[string]any `toml:"frontends"`

	dir string
	raw []byte // the file, for edits that keep comments
}

// ReadConfig reads config.toml in dir. A file that is not there is an empty one.
// A key that is not known is an error: it is a typing mistake. So is a file that
// somebody else than the user and root may have written, since it says what is
// executed; see package github.com/tokentoss/tokentoss/core/privatefile.
func ReadConfig(dir string) (*Config, error) {
	path := filepath.Join(dir, ConfigName)
	data, err := privatefile.ReadEdited(path)
	if errors.Is(err, core.ErrNotFound) {
		return &Config{dir: dir}, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(data)
	if err != nil {
		return nil, &ConfigError{Path: path, Err: err}
	}
	c.dir = dir
	return c, nil
}

// A ConfigError is a config.toml that cannot be used.
type ConfigError struct {
	Path string
	Err  error
}

func (e *ConfigError) Error() string { return "settings " + e.Path + ": " + e.Err.Error() }

// Remedy says what to do next.
func (e *ConfigError) Remedy() fault.Remedy { return fault.CorrectFile.On(e.Path) }

// Unwrap returns the kind and the cause.
func (e *ConfigError) Unwrap() []error { return []error{fault.BadConfig, e.Err} }

// check finds values that would fail later, far from the file.
func (c *Config) check() error {
	names := []string{""}
	for name := range c.Profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		s, where := c.Settings, ""
		if name != "" {
			s, where = c.Profiles[name], "profile "+name+": "
			if err := core.CheckKey(name); err != nil {
				return fmt.Errorf("profile name %w", err)
			}
		}
		if _, err := s.lifetime(); err != nil {
			return fmt.Errorf("%ssession_lifetime: %w", where, err)
		}
		for param := range s.AuthParams {
			if err := oidc.CheckAuthParam(param); err != nil {
				return fmt.Errorf("%sauth_params: %w", where, err)
			}
		}
		if s.RedirectPort < 0 || s.RedirectPort > 65535 {
			return fmt.Errorf("%sredirect_port: %d is not a port", where, s.RedirectPort)
		}
	}
	for _, table := range []struct {
		name string
		of   map[string]map[string]any
	}{{"stores", c.Stores}, {"frontends", c.Frontends}} {
		for _, name := range slices.Sorted(maps.Keys(table.of)) {
			if err := core.CheckKey(name); err != nil {
				return fmt.Errorf("%s: a name %w", table.name, err)
			}
			if _, ok := table.of[name][UnboundSetting]; ok {
				return fmt.Errorf("%s.%s: %s is nothing to set: a person is asked each time", table.name, name, UnboundSetting)
			}
		}
	}
	if _, err := parseIdle("agent_idle", c.Idle); err != nil {
		return err
	}
	if _, ok := c.Stores[FileStore]; ok {
		return fmt.Errorf("stores.%s: this store has no settings", FileStore)
	}
	return nil
}

// DefaultAgentIdle is how long the agent stays where the settings do not say.
const DefaultAgentIdle = 15 * time.Minute

// AgentIdle returns how long the agent stays without a call; 0 means that there
// shall be none.
func (c *Config) AgentIdle() (time.Duration, error) {
	if env := os.Getenv(EnvAgentIdle); env != "" {
		return parseIdle(EnvAgentIdle, env)
	}
	return parseIdle("agent_idle", c.Idle)
}

func parseIdle(name, text string) (time.Duration, error) {
	if text == "" && runtime.GOOS == "windows" {
		return 0, nil // until its access list was seen to hold
	}
	if text == "" {
		return DefaultAgentIdle, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s: %q is not a duration such as 15m, or 0", name, text)
	}
	return d, nil
}

// lifetime reads SessionLifetime.
func (s Settings) lifetime() (time.Duration, error) {
	switch s.SessionLifetime {
	case "":
		return core.DefaultSessionLifetime, nil
	case "0":
		return 0, nil
	}
	d, err := time.ParseDuration(s.SessionLifetime)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 24h, or 0", s.SessionLifetime)
	}
	return d, nil
}

// Names returns the names of the profiles, sorted. A profile is one that has a
// table in config.toml, or a directory; "default" always is.
func (c *Config) Names() []string {
	names := []string{core.DefaultKey}
	for name := range c.Profiles {
		names = append(names, name)
	}
	entries, _ := os.ReadDir(filepath.Join(c.dir, "profiles"))
	for _, e := range entries {
		if e.IsDir() && core.CheckKey(e.Name()) == nil {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// has tells whether the profile exists, without looking at the others.
func (c *Config) has(name string) bool {
	if _, ok := c.Profiles[name]; ok || name == core.DefaultKey {
		return true
	}
	if core.CheckKey(name) != nil {
		return false // ".." is a directory, and so is "WORK" where case does not count
	}
	info, err := os.Stat(filepath.Join(c.dir, "profiles", name))
	return err == nil && info.IsDir()
}

// A SettingError is a value in config.toml that cannot be used.
type SettingError struct {
	Key string
	Err error
}

func (e *SettingError) Error() string { return "settings: " + e.Key + ": " + e.Err.Error() }

// Remedy says what to do next.
func (e *SettingError) Remedy() fault.Remedy { return fault.CorrectSetting.On(e.Key) }

// Unwrap returns the kind and the cause.
func (e *SettingError) Unwrap() []error { return []error{fault.BadConfig, e.Err} }

// An UnknownProfileError is a name that no profile has.
type UnknownProfileError struct {
	Name  string
	Known []string // the names that there are
}

func (e *UnknownProfileError) Error() string {
	return fmt.Sprintf("there is no profile %q; available: %s", e.Name, strings.Join(e.Known, ", "))
}

// Is makes errors.Is(err, fault.UnknownProfile) true.
func (e *UnknownProfileError) Is(target error) bool { return target == fault.UnknownProfile }

// Remedy says what to do next.
func (e *UnknownProfileError) Remedy() fault.Remedy {
	if core.CheckKey(e.Name) != nil { // no profile can have the name
		return fault.ListProfiles.On("")
	}
	return fault.AddProfile.On(e.Name)
}

// NameOr returns the name of the profile to use: name, or where that is empty
// $TOKENTOSS_PROFILE, else the active one, else "default".
func (c *Config) NameOr(name string) string {
	return cmp.Or(name, os.Getenv(EnvProfile), c.Active, core.DefaultKey)
}

// StoreOr returns the name of the store to use: store, or where that is empty
// $TOKENTOSS_STORE, else the setting, else [FileStore].
func (s Settings) StoreOr(store string) string {
	return cmp.Or(store, os.Getenv(EnvStore), s.Store, FileStore)
}

// SettingsOf returns the settings of a profile, those of the top level where the
// profile does not say.
func (c *Config) SettingsOf(name string) (Settings, error) {
	if !c.has(name) {
		return Settings{}, &UnknownProfileError{Name: name, Known: c.Names()}
	}
	return c.Settings.with(c.Profiles[name]), nil
}

// with returns s with what o sets.
func (s Settings) with(o Settings) Settings {
	for _, f := range []struct{ into, from *string }{
		{&s.Store, &o.Store}, {&s.Frontend, &o.Frontend}, {&s.Flow, &o.Flow}, {&s.Issuer, &o.Issuer}, {&s.HostedDomain, &o.HostedDomain},
		{&s.LoginHint, &o.LoginHint}, {&s.SessionLifetime, &o.SessionLifetime}, {&s.Browser, &o.Browser},
		{&s.Audience, &o.Audience}, {&s.KeyFile, &o.KeyFile}, {&s.ServiceAccount, &o.ServiceAccount},
	} {
		if *f.from != "" {
			*f.into = *f.from
		}
	}
	if o.Scopes != nil {
		s.Scopes = o.Scopes
	}
	if o.Targets != nil {
		s.Targets = o.Targets
	}
	if o.TrustedAudiences != nil {
		s.TrustedAudiences = o.TrustedAudiences
	}
	s.RequireVerifiedEmail = s.RequireVerifiedEmail || o.RequireVerifiedEmail
	if o.Delegates != nil {
		s.Delegates = o.Delegates
	}
	if o.AuthParams != nil {
		s.AuthParams = o.AuthParams
	}
	if o.RedirectPort != 0 {
		s.RedirectPort = o.RedirectPort
	}
	s.InsecureLoopback = s.InsecureLoopback || o.InsecureLoopback
	return s
}
