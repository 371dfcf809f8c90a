package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// A damaged document is set aside by a store that can, and otherwise left
// alone: a sign-in never overwrites it.
func TestSignInOverADamagedDocument(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	damaged := map[string]func(w *world){
		"half JSON":    func(w *world) { w.store.setRaw(core.DefaultKey, []byte(`{"id_token": "`)) },
		"empty":        func(w *world) { w.store.setRaw(core.DefaultKey, []byte{}) },
		"NUL":          func(w *world) { w.store.setRaw(core.DefaultKey, []byte("\x00\x00")) },
		"not UTF-8":    func(w *world) { w.store.setRaw(core.DefaultKey, []byte("{\"id_token\":\"\xff\"}")) },
		"null":         func(w *world) { w.store.setRaw(core.DefaultKey, []byte("null")) },
		"no ID token":  func(w *world) { w.store.setRaw(core.DefaultKey, []byte(`{"refresh_token":"1//0x"}`)) },
		"odd ID token": func(w *world) { w.store.setRaw(core.DefaultKey, []byte(`{"id_token":"eyJ.eyJ.x"}`)) },
		"odd version":  func(w *world) { w.store.setRaw(core.DefaultKey, []byte(`{"version":"one"}`)) },
		"corrupt":      func(w *world) { w.store.fail("Load", fmt.Errorf("checksum: %w", core.ErrCorrupt)) },
		"insecure":     func(w *world) { w.store.fail("Load", fmt.Errorf("mode 0666: %w", core.ErrInsecure)) },
		"too large":    func(w *world) { w.store.fail("Load", core.ErrTooLarge) },
	}
	for name, damage := range damaged {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			store := &moving{memory: w.store}
			able := w.session(func(o *core.SessionOptions) { o.Store = store })
			unable := w.session()
			damage(w)
			before := w.store.raw(core.DefaultKey)
			_, err := unable.IDToken(w.ctx)
			if err == nil || errors.Is(err, core.ErrSignInNeeded) || findSecret(err.Error()) != "" {
				t.Errorf("IDToken: %v", err)
			}
			if _, err := unable.SignIn(w.ctx, nobody); err == nil || !strings.Contains(err.Error(), "sign out to remove it") {
				t.Errorf("SignIn where nothing can be set aside: %v", err)
			}
			if w.store.count("Save") != 0 || string(w.store.raw(core.DefaultKey)) != string(before) || w.emu.Calls(emulator.Authorize) != 0 {
				t.Error("the document was touched, or a person troubled")
			}
			w.signIn(able)
			w.token(able)
			if len(store.moved) != 1 || string(store.moved[0]) != string(before) {
				t.Errorf("set aside: %d documents", len(store.moved))
			}
		})
	}
	// Signing out removes it.
	w := shared.fork(t)
	w.store.setRaw(core.DefaultKey, []byte("{"))
	s := w.session(func(o *core.SessionOptions) { o.Store = located{w.store} })
	if _, err := s.IDToken(w.ctx); !errors.Is(err, core.ErrCorrupt) || !strings.Contains(err.Error(), "/home/ada/default.json") {
		t.Errorf("error %v, want one that names the place", err)
	}
	if err := s.SignOut(w.ctx); !errors.Is(err, core.ErrNotRevoked) {
		t.Errorf("SignOut: %v", err)
	}
	w.signIn(s)
}

// A document of a newer version, of whatever form, is left alone.
func TestNewerRecord(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, change := range map[string]func(d map[string]any){
		"fields as now":    func(map[string]any) {},
		"fields of others": func(d map[string]any) { d["scopes"], d["expiry"], d["id_token"] = map[string]any{}, 5, []int{1} },
		"no ID token":      func(d map[string]any) { delete(d, "id_token") },
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			w.signedIn()
			w.store.edit(t, func(d map[string]any) {
				d["version"] = 2
				change(d)
			})
			before := string(w.store.raw(core.DefaultKey))
			store := &moving{memory: w.store}
			s := w.session(func(o *core.SessionOptions) { o.Store = store })
			_, idToken := s.IDToken(w.ctx)
			_, status := s.Status(w.ctx)
			_, signIn := s.SignIn(w.ctx, nobody)
			for call, err := range map[string]error{"IDToken": idToken, "Status": status, "SignIn": signIn} {
				var newer *core.NewerRecordError
				if !errors.As(err, &newer) || newer.Version != 2 || fault.RemedyOf(err).Action != fault.Update {
					t.Errorf("%s: %v", call, err)
				}
			}
			if len(store.moved) != 0 || string(w.store.raw(core.DefaultKey)) != before {
				t.Error("the newer document was touched")
			}
			if n := w.emu.Calls(emulator.Authorize); n != 1 {
				t.Errorf("%d authorization requests, want the first sign-in's", n)
			}
		})
	}
}

// A newer tokentoss signs in while this one asks the person: its document
// is not overwritten either, and this process is signed in by itself.
func TestNewerRecordDuringASignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	newer := []byte(`{"version": 2, "more": true}`)
	s := w.session(func(o *core.SessionOptions) {
		o.Flow = func(c *oidc.Client) core.Flow {
			return flowFunc(func(ctx context.Context) (*core.Token, error) {
				w.store.setRaw(core.DefaultKey, newer)
				return flow{w: w, client: c, email: ada}.SignIn(ctx, nobody)
			})
		}
	})
	_, err := s.SignIn(w.ctx, nobody)
	var ne *core.NewerRecordError
	if !errors.Is(err, core.ErrNotSaved) || !errors.As(err, &ne) {
		t.Errorf("error %v", err)
	}
	if string(w.store.raw(core.DefaultKey)) != string(newer) {
		t.Error("the newer document was overwritten")
	}
	w.token(s)
}

// pythonFields returns those of Python tokentoss's tokens.json.
func pythonFields() []string {
	return []string{"access_token", "id_token", "refresh_token", "expiry", "scopes", "user_email", "created_at"}
}

func onlyPythons(d map[string]any) {
	maps.DeleteFunc(d, func(f string, _ any) bool { return !slices.Contains(pythonFields(), f) })
}

// A file that Python tokentoss wrote is read as it is, and it can read the
// one that is written back; what neither knows survives refreshes and sign-ins.
func TestRecordOfPython(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, times := range map[string]func(d map[string]any, w *world){
		"with a zone":       func(map[string]any, *world) {},
		"without a zone":    func(d map[string]any, w *world) { d["created_at"] = w.clock.Now().Format("2006-01-02T15:04:05.000000") },
		"no time of origin": func(d map[string]any, _ *world) { delete(d, "created_at") },
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			w.signedIn()
			w.store.edit(t, func(d map[string]any) {
				onlyPythons(d)
				times(d, w)
				d["colour"] = map[string]any{"of": []any{"another", "program", 1.5, nil}}
			})
			s := w.session(func(o *core.SessionOptions) { o.Lifetime = 24 * time.Hour })
			unknown := func() {
				t.Helper()
				b, _ := json.Marshal(w.store.doc(t)["colour"])
				if string(b) != `{"of":["another","program",1.5,null]}` {
					t.Errorf("the unknown field became %s", b)
				}
			}
			if tok := w.token(s); tok.Email != ada || tok.Generation != 0 {
				t.Errorf("%v, generation %d", tok, tok.Generation)
			}
			w.wantRefreshes(0)
			w.clock.advance(late)
			w.token(s)
			w.wantRefreshes(1)
			unknown()
			w.emu.SetFault(emulator.Token, &emulator.Fault{Status: 500, Times: 1})
			w.clock.advance(late)
			_, err := s.IDToken(w.ctx)
			wantProvider(t, err)
			unknown()
			w.signIn(s)
			unknown()
			d := w.store.doc(t)
			for _, f := range pythonFields() {
				if d[f] == nil {
					t.Errorf("no %s for Python", f)
				}
			}
			for _, f := range []string{"expiry", "created_at"} {
				if _, err := time.Parse("2006-01-02T15:04:05.000000-07:00", d[f].(string)); err != nil {
					t.Errorf("%s is %v, which Python 3.10 cannot read", f, d[f])
				}
			}
			if d["refresh_failure"] != nil {
				t.Error("the failure is still noted after the sign-in")
			}
		})
	}
}

// Python tokentoss rewrites the file without the fields that it does not
// know, while this process runs.
func TestPythonRewritesTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.clock.advance(10 * time.Minute)
	w.store.edit(t, onlyPythons)
	for range 3 {
		w.token(s)
		w.clock.advance(late)
	}
	w.wantRefreshes(2)
}
