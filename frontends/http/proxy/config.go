package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/frontends/http/metrics"
	"github.com/tokentoss/tokentoss/plugins"
)

var errBadConfig = plugins.ErrBadConfig

// Values of [Config.Secret].
const (
	SecretNew  = "new"  // another one for each run
	SecretKeep = "keep" // one that is kept, for tools that remember a password
	SecretNone = "none" // whoever reaches the proxy may use it
)

// Values of [Config.Log].
const (
	LogErrors = "errors" // what failed
	LogAll    = "all"
	LogNone   = "none"
)

// A Config is what a person sets: in [frontends.proxy] of config.toml, or on the
// command line.
type Config struct {
	Targets          []string `json:"targets" about:"services: URL, NAME=URL for http://NAME.localhost, /PATH=URL for that path"`
	Listen           string   `json:"listen" about:"HOST:PORT or unix:/PATH; localhost and a free port when missing"`
	Expose           bool     `json:"expose" about:"allow to listen where other machines reach it, in clear text"`
	Hosts            []string `json:"hosts" about:"further names of this machine that requests may use, for expose"`
	Secret           string   `json:"secret" about:"new for each run, keep the same one, or none"`
	For              string   `json:"for" about:"end after this time, such as 8h"`
	Log              string   `json:"log" about:"which requests are logged: errors, all or none"`
	LogFile          string   `json:"log_file" about:"where to; the terminal when missing"`
	JSON             bool     `json:"json" about:"log lines of JSON"`
	InsecureLoopback bool     `json:"insecure_loopback" about:"allow targets on this machine over plain http"`
	Forwarded        string   `json:"forwarded" about:"socket by which another machine lends the session, and makes the requests"`

	MetricsListen     string `json:"metrics_listen" about:"HOST:PORT or unix:/PATH for metrics and health; none when not set"`
	MetricsBearerFile string `json:"metrics_bearer_file" about:"file with the word that who asks for metrics shows"`
}

// Options are what a program gives a [Proxy] beside what a person sets.
type Options struct {
	// Dir is a private directory, for a secret that is kept and for the files
	// that give it to tools during the run. Empty: there is neither.
	Dir string

	// Terminal shows what a person needs: addresses, the secret, the log. nil
	// shows nothing.
	Terminal plugins.Terminal

	// Log is for the program's own log. It gets no secret. nil is silent.
	Log *slog.Logger

	// Base sends the requests; nil is a transport that is made for the run.
	Base http.RoundTripper

	// Ready is called when the proxy listens.
	Ready func(Address)
}

// An Address is where a [Proxy] is reached.
type Address struct {
	URL    string            // of the targets by path, such as http://127.0.0.1:8080
	Names  map[string]string // the URLs of the targets by name
	Secret core.Secret       // empty: there is none
	Netrc  string            // file for curl --netrc-file; empty: there is none
	Git    string            // file for git's credential helper store; empty: there is none
}

// A Proxy is the frontend. Each Run listens anew.
type Proxy struct {
	config  Config
	opts    Options
	targets []*target
	monitor *metrics.Monitor
	ends    time.Duration   // of config.For; 0: it does not
	lender  *forward.Client // of config.Forwarded, or nil
}

var _ core.Frontend = (*Proxy)(nil)

// New checks a configuration.
func New(config Config, opts Options) (*Proxy, error) {
	p := &Proxy{config: config, opts: opts}
	var err error
	if p.targets, err = parseTargets(config.Targets); err != nil {
		return nil, err
	}
	if p.ends, err = loopback.ParseDuration(config.For); err != nil {
		return nil, err
	}
	switch config.Secret {
	case "", SecretNew, SecretNone:
	case SecretKeep:
		if opts.Dir == "" {
			return nil, badConfig("there is no directory to keep a secret in")
		}
	default:
		return nil, badConfig("secret is %s, %s or %s", SecretNew, SecretKeep, SecretNone)
	}
	switch config.Log {
	case "", LogErrors, LogAll, LogNone:
	default:
		return nil, badConfig("log is %s, %s or %s", LogErrors, LogAll, LogNone)
	}
	if config.Expose && config.Secret == SecretNone {
		return nil, badConfig("expose without a secret would give every machine of the network your identity")
	}
	if config.Forwarded != "" {
		if p.lender, err = forward.At(context.Background(), config.Forwarded); err != nil {
			return nil, err
		}
	}
	if p.opts.Log == nil {
		p.opts.Log = slog.New(slog.DiscardHandler)
	}
	if p.monitor, err = metrics.New(config.MetricsListen, config.MetricsBearerFile, p.opts.Log); err != nil {
		return nil, err
	}
	_, err = p.transport(nil) // finds targets that the token must not go to
	return p, err
}

// Plugin returns the proxy as a plugin.
func Plugin() plugins.Plugin {
	info := plugins.Info{Name: "proxy", About: "an address on this machine for services behind IAP, for tools that know nothing of it"}
	return plugins.Frontend(info, func(_ context.Context, o plugins.Opening[Config]) (core.Frontend, error) {
		return New(o.Config, Options{Dir: o.Dir, Terminal: o.Terminal, Log: o.Log})
	})
}
