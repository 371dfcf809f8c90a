package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/frontends/mcp"
)

// Whatever a server answers, a request has one answer, which says what happened.
func TestWhatIsNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, request)
		words  []string
	}{
		"page": {func(rw http.ResponseWriter, _ request) {
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(rw, "<html>secret page</html>")
		}, []string{"with text/html in place of messages", "check the URL"}},
		"nothing":  {func(http.ResponseWriter, request) {}, []string{"with nothing in place of messages"}},
		"accepted": {func(rw http.ResponseWriter, _ request) { rw.WriteHeader(202) }, []string{"with nothing in place of messages"}},
		"garbage":  {func(rw http.ResponseWriter, _ request) { asJSON(rw, "{") }, []string{"not JSON"}},
		"another":  {func(rw http.ResponseWriter, _ request) { asJSON(rw, result(77, "x")) }, []string{"answered something else"}},
		"401":      {func(rw http.ResponseWriter, _ request) { http.Error(rw, "who?", 401) }, []string{"401 Unauthorized: who?", "a credential of its own"}},
		"500 page": {func(rw http.ResponseWriter, _ request) {
			rw.Header().Set("Content-Type", "text/html")
			rw.WriteHeader(500)
			io.WriteString(rw, "<b>no</b>")
		}, []string{"500 Internal Server Error"}},
		"lines": {func(rw http.ResponseWriter, _ request) {
			http.Error(rw, "a\n\x1b[2Jb\u202e"+strings.Repeat("c", 500), 500)
		}, []string{"a [2Jbccc", "ccc..."}},
		"moved": {func(rw http.ResponseWriter, _ request) {
			rw.Header().Set("Location", "/elsewhere?secret=1")
			rw.WriteHeader(302)
		}, []string{"302 Found", "redirect to http://mcp.example.com/elsewhere, which was not followed"}},
		"elsewhere": {func(rw http.ResponseWriter, _ request) {
			rw.Header().Set("Location", "https://evil.example.com/mcp")
			rw.WriteHeader(307)
		}, []string{"redirect to https://evil.example.com/mcp, which was not followed"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.server.on("tools/call", c.answer)
				w.start(func(o *mcp.Options) {
					o.Explain = func(err error) (string, string) { return err.Error(), fault.RemedyOf(err).String() }
				}).begin()
				w.say(call(1, "x"))
				w.wantError("1", -32603, c.words...)
				w.say(`{"id":2,"method":"ping"}`)
				w.want(result(2, "ping"))
				w.end()
				for _, r := range w.server.seen {
					if r.Host != "mcp.example.com" || r.URL.Path != "/mcp" {
						t.Errorf("%s went to %s%s", r.Name, r.Host, r.URL.Path)
					}
				}
			})
		})
	}
}

// An error of the server is the answer, also where it does not say to what.
func TestAServersErrorsPassAsTheyAre(t *testing.T) {
	inWorld(t, func(w *world) {
		e := `{"code":-32000.0,"message":"<no>","data":[1e2]}`
		for name, id := range map[string]string{"null": `"id":null,`, "none": "", "own": `"id":1,`, "other": `"id":"server-error",`} {
			w.server.on(name, func(rw http.ResponseWriter, r request) {
				rw.Header().Set("Content-Type", "application/json")
				rw.WriteHeader(http.StatusBadRequest)
				fmt.Fprintf(rw, `{"jsonrpc":"2.0",%s"error":%s}`, id, e)
			})
		}
		w.server.on("stream", func(rw http.ResponseWriter, _ request) {
			asEvents(rw).send(`data: {"jsonrpc":"2.0","id":null,"error":` + e + `}`)
		})
		w.start().begin()
		for _, name := range []string{"null", "none", "own", "other", "stream"} {
			w.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q}`, name))
			w.want(`{"jsonrpc":"2.0","id":1,"error":` + e + `}`)
		}
		w.end()
	})
}

// A redirect within the origin is followed with what was said.
func TestARedirectWithinTheOriginIsFollowed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
			if r.URL.Path == "/mcp" {
				http.Redirect(rw, r.Request, "/mcp/", http.StatusTemporaryRedirect)
				return
			}
			asJSON(rw, result(1, r.Header.Get("Mcp-Session-Id")))
		})
		w.start().begin()
		w.say(call(1, "x"))
		w.want(result(1, "s1"))
		w.end()
	})
}

// A session has tokens, once somebody signed in.
type session struct {
	signedIn atomic.Bool
	tokens   atomic.Uint64
}

func (s *session) IDToken(context.Context) (core.IDToken, error) {
	if !s.signedIn.Load() {
		return core.IDToken{}, &core.SignInNeededError{Cause: core.CauseSignedOut}
	}
	return core.IDToken{Value: core.Secret(fmt.Sprint("token-", s.tokens.Load())), Email: "ada@example.com", Expiry: time.Now().Add(time.Hour), Generation: s.tokens.Load()}, nil
}

func (s *session) Renew(ctx context.Context, stale core.IDToken) (core.IDToken, error) {
	s.tokens.CompareAndSwap(stale.Generation, stale.Generation+1)
	return s.IDToken(ctx)
}

// behindIAP has the bridge use the one transport.
func (w *world) behindIAP(s *session) func(*mcp.Options) {
	return func(o *mcp.Options) {
		transport, err := iap.NewTransport(s, iap.Options{Origins: []string{"http://127.0.0.1:1"}, InsecureLoopback: true, Base: w.server.transport()})
		if err != nil {
			w.t.Fatal(err)
		}
		o.URL, o.Client = "http://127.0.0.1:1/mcp", &http.Client{Transport: transport}
		o.Explain = func(err error) (string, string) { return err.Error(), fault.RemedyOf(err).String() }
	}
}

// Where nobody can be asked, an error says what to do; the next request after the sign-in works.
func TestASignInElsewhereServesTheNextRequest(t *testing.T) {
	inWorld(t, func(w *world) {
		s := &session{}
		w.start(w.behindIAP(s))
		w.say(initialize)
		w.wantError("0", -32603, "nobody is signed in", "hint: sign in")
		s.signedIn.Store(true)
		w.begin()
		s.signedIn.Store(false)
		w.say(call(1, "x"), `{"method":"notifications/lost"}`)
		w.wantError("1", -32603, "nobody is signed in", "hint: sign in")
		s.signedIn.Store(true)
		w.say(call(2, "x"))
		w.want(result(2, "tools/call"))
		w.end()
		if n := len(w.server.saw("tools/call")); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// A person is asked at initialize, once; who takes longer than the client waits is not
// asked again, and served later.
func TestAPersonIsAskedAtInitialize(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration
		err   error
	}{"soon": {20 * time.Second, nil}, "late": {40 * time.Second, nil}, "never": {5 * time.Second, errors.New("no browser")}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				s := &session{}
				var asked atomic.Int64
				w.start(w.behindIAP(s), func(o *mcp.Options) {
					o.SignIn = func(context.Context) error {
						asked.Add(1)
						time.Sleep(c.takes)
						s.signedIn.Store(c.err == nil)
						return c.err
					}
				})
				began := time.Now()
				w.say(initialize)
				switch {
				case c.err != nil:
					w.wantError("0", -32603, "nobody is signed in")
				case c.takes > 25*time.Second:
					w.wantError("0", -32603, "nobody is signed in", "the browser is waiting")
					if took := time.Since(began); took != 25*time.Second {
						t.Errorf("it took %s", took)
					}
					w.say(initialize)
					w.want(greeting)
				default:
					w.want(greeting)
				}
				if n := asked.Load(); n != 1 {
					t.Errorf("asked %d times", n)
				}
				w.end()
			})
		})
	}
}

// A token that ends is renewed on the way, for streams too, and goes nowhere else.
func TestTokensAreRenewedOnTheWay(t *testing.T) {
	inWorld(t, func(w *world) {
		s := &session{}
		s.signedIn.Store(true)
		expired := func(rw http.ResponseWriter, r request) bool {
			if r.Header.Get("Authorization") == "Bearer token-0" {
				rw.Header().Set("X-Goog-IAP-Generated-Response", "true")
				http.Error(rw, "Invalid IAP credentials: expired", http.StatusUnauthorized)
				return true
			}
			return false
		}
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
			if !expired(rw, r) {
				asEvents(rw).send("id: 1", "data:")
			}
		})
		w.server.on("GET", func(rw http.ResponseWriter, r request) {
			if !expired(rw, r) {
				asEvents(rw).send("data: " + result(1, r.Header.Get("Authorization")))
			}
		})
		w.start(w.behindIAP(s)).begin()
		w.say(call(1, "x"))
		w.want(result(1, "Bearer token-1"))
		w.end()
	})
}

// What IAP refuses is an error that says who, and what to do.
func TestWhatIAPRefusesIsAnError(t *testing.T) {
	inWorld(t, func(w *world) {
		s := &session{}
		s.signedIn.Store(true)
		w.server.on("tools/call", func(rw http.ResponseWriter, _ request) {
			rw.Header().Set("X-Goog-IAP-Generated-Response", "true")
			http.Error(rw, "no", http.StatusForbidden)
		})
		w.start(w.behindIAP(s)).begin()
		w.say(call(1, "x"))
		w.wantError("1", -32603, "ada@example.com has no access to http://127.0.0.1:1", "roles/iap.httpsResourceAccessor")
		w.end()
	})
}

// When nobody reads any more, the bridge ends, and the session with it.
func TestTheBridgeEndsWithItsOutput(t *testing.T) {
	inWorld(t, func(w *world) {
		in, out := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			ended <- mcp.Serve(context.Background(), in, brokenWriter{}, mcp.Options{URL: url, Client: &http.Client{Transport: w.server.transport()}})
		}()
		io.WriteString(out, initialize+"\n")
		if err := <-ended; !errors.Is(err, errBroken) {
			t.Errorf("Serve: %v", err)
		}
		out.Close()
		if len(w.server.saw("DELETE")) != 1 {
			t.Error("the session was not ended")
		}
	})
}

var errBroken = errors.New("nobody reads")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// What no answer can say is logged, and has nothing of the messages.
func TestWhatIsLostIsLogged(t *testing.T) {
	inWorld(t, func(w *world) {
		var log strings.Builder
		w.server.on("notifications/x", func(rw http.ResponseWriter, _ request) { rw.WriteHeader(500) })
		w.server.on("tools/call", func(rw http.ResponseWriter, _ request) {
			e := asEvents(rw)
			e.send("data: {broken secret")
			e.send("data: " + result(1, "done"))
		})
		w.start(func(o *mcp.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }).begin()
		w.say(`{"method":"notifications/x","params":"secret"}`, call(1, "x"))
		w.want(result(1, "done"))
		w.end()
		for _, words := range []string{"a message did not reach the server: mcp.example.com answered 500", "something is left out"} {
			if !strings.Contains(log.String(), words) {
				t.Errorf("the log lacks %q: %s", words, log.String())
			}
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the log has what was said: %s", log.String())
		}
	})
}

func TestOptionsThatCannotBeRight(t *testing.T) {
	t.Parallel()
	for _, o := range []mcp.Options{{}, {URL: url}, {Client: http.DefaultClient}, {URL: "nowhere", Client: http.DefaultClient}, {URL: "http://%", Client: http.DefaultClient}} {
		if err := mcp.Serve(t.Context(), strings.NewReader(""), io.Discard, o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
