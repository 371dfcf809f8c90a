package hub

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/jupyterhub"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/frontends/http/metrics"
	"github.com/tokentoss/tokentoss/frontends/http/requestlog"
)

// grace is how long an answer that is under way may take when the service ends.
const grace = 2 * time.Second

// Options are what a service is made of.
type Options struct {
	Config

	// Client is the hub's OAuth client, of the type web, with its secret.
	Client *oidc.Client

	// Monitor counts the requests, and is asked at an address of its own. Nil: nobody asks.
	Monitor *metrics.Monitor

	// Log gets what happens, never a secret, with the ID of the request. Nil discards.
	Log *slog.Logger

	// Requests is the log of requests. Nil discards.
	Requests *requestlog.Log
}

// A Service is the service. It is an [http.Handler].
type Service struct {
	Config
	oauth  *oidc.Client
	watch  *metrics.Monitor
	sealer sealer
	table  *table
	hub    http.RoundTripper
	log    *slog.Logger
	access *requestlog.Log
	mux    *http.ServeMux
	paths  []string      // of mux
	ends   chan struct{} // closed when it ends
	end    func()
}

// New returns the service. It refuses a client that cannot work.
func New(o Options) (*Service, error) {
	if err := checkClient(o.Client, o.redirectURI()); err != nil {
		return nil, err
	}
	seals, err := newSealer(o.Client.Secret)
	if err != nil {
		return nil, err
	}
	s := &Service{
		Config: o.Config, oauth: o.Client, watch: o.Monitor, sealer: seals, table: newTable(time.Now), log: o.Log, access: o.Requests, mux: http.NewServeMux(), ends: make(chan struct{}),
		hub: &http.Transport{TLSHandshakeTimeout: 5 * time.Second, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute}, // no proxy: it is beside this
	}
	_, returns, _ := strings.Cut(o.Returns, o.Prefix) // after the host, where services have hosts of their own
	s.end = sync.OnceFunc(func() { close(s.ends) })
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.access == nil {
		s.access = requestlog.Discard()
	}
	for path, h := range map[string]http.HandlerFunc{
		jupyterhub.PathClient:   s.kernel(http.MethodGet, s.client),
		jupyterhub.PathSignIn:   s.kernel(http.MethodPost, s.announce),
		jupyterhub.PathResponse: s.kernel(http.MethodPost, s.response),
		jupyterhub.PathProvider: s.kernel(http.MethodPost, s.provider),
		jupyterhub.PathCallback: browser(s.callback),
		returns:                 browser(s.returned),
		"":                      browser(func(w http.ResponseWriter, r *http.Request) { pageNothing.Write(w, r, statusOf(r, s.Prefix)) }),
	} {
		s.mux.HandleFunc(s.Prefix+path, h)
		s.paths = append(s.paths, s.Prefix+path)
	}
	return s, nil
}

func statusOf(r *http.Request, prefix string) int {
	if r.URL.Path == prefix {
		return http.StatusOK
	}
	return http.StatusNotFound
}

func checkClient(c *oidc.Client, redirectURI string) error {
	problem := ""
	switch {
	case c == nil:
		return &fault.Error{Kind: fault.NotConfigured}
	case !c.Web:
		problem = "it is not of the type web"
	case c.Secret == "":
		problem = "it has no secret"
	case !slices.Contains(c.RedirectURIs, redirectURI):
		problem = "its redirect URIs lack " + redirectURI
	default:
		return nil
	}
	return &fault.Error{Subject: "the hub's OAuth client", Kind: fault.BadClient, Problem: problem,
		Remedy: fault.Say(`make one of the type "Web application" with the redirect URI %s, and download its JSON`, redirectURI)}
}

// logOf returns the log for what happens with a request.
func (s *Service) logOf(r *http.Request) *slog.Logger { return s.log.With("id", requestlog.ID(r)) }

// ServeHTTP implements [http.Handler].
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// listen listens where the hub says, or takes sockets that are there.
func (s *Service) listen(ctx context.Context) ([]net.Listener, error) {
	if loopback.IsGiven(s.Listen) {
		ls, err := loopback.Listen(ctx, loopback.Address{Text: s.Listen, Expose: true})
		if err != nil {
			return nil, err
		}
		return ls.All(), nil
	}
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return nil, &fault.Error{Op: "listen on", Subject: s.Listen, Kind: fault.AddressInUse, Err: err}
	}
	return []net.Listener{l}, nil
}

// Run serves until ctx ends, which is no error.
func (s *Service) Run(ctx context.Context) error {
	ls, err := s.listen(ctx)
	if err != nil {
		return err
	}
	if err := s.watch.Start(ctx, nil); err != nil { // the service has no session of its own
		for _, l := range ls {
			_ = l.Close()
		}
		return err
	}
	defer s.watch.Stop()
	server := &http.Server{
		Handler: s.watch.Handler(s.access.Handler(s, requestlog.Scope{Paths: s.paths, Secrets: []string{s.Token.Reveal(), s.oauth.Secret.Reveal()}})), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // it would have the bytes of requests that cannot be read
	}
	served := make(chan error, len(ls))
	var serving sync.WaitGroup
	for _, l := range ls {
		serving.Go(func() { served <- server.Serve(l) })
	}
	s.log.Info("serving", "address", s.Listen, "redirect_uri", s.redirectURI())
	select {
	case err = <-served:
		_ = server.Close()
	case <-ctx.Done():
		s.end()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if server.Shutdown(ending) != nil {
			_ = server.Close()
		}
		err = <-served
	}
	serving.Wait()
	if t, ok := s.hub.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
