package device_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/device"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// The person sees the code and where to type it in, and is signed
// in at the poll after agreeing. The tokens are the device client's own.
func TestSignIn(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		w.at(12*time.Second, w.agree)
		token, err := w.signIn(t.Context(), device.Options{Scopes: []string{"profile"}})
		if err != nil {
			t.Fatal(err)
		}
		w.wantPolls(5, 10, 15)
		w.wantAfter(15)
		claims, err := oidc.ParseClaims(token.IDToken)
		if err != nil || claims.Email != ada || claims.Audience[0] != tvID || claims.Nonce != "" {
			t.Errorf("claims are %+v, %v", claims, err)
		}
		if token.RefreshToken == "" || !token.NoNonce || token.ClockOffset.Abs() > time.Second {
			t.Errorf("token is %+v", token)
		}
		p := w.prompt()
		if p.URL != w.google.GoogleURL()+"/device" || len(p.Code) != 9 || p.RedirectURL != "" || p.Problem != "" {
			t.Errorf("prompt is %+v", p)
		}
		if want := w.began.Add(30 * time.Minute); !p.Deadline.Equal(want) {
			t.Errorf("deadline is %v, want %v", p.Deadline, want)
		}
		asked := w.google.Requests(emulator.DeviceCode)[0].Form
		if asked.Get("scope") != "profile openid email" || asked.Get("client_id") != tvID {
			t.Errorf("asked for %v", asked)
		}
	})
}

// RFC 8628 section 3.5: each slow_down adds 5 seconds for good. The emulator
// says so itself to who is too fast; here nobody is.
func TestSlowDown(t *testing.T) {
	inWorld(t, emulator.Options{DeviceInterval: 2 * time.Second}, func(t *testing.T, w *world) {
		// Google's statuses (428, 403), and those of RFC 6749 section 5.2 (400).
		w.answer(emulator.Token, 403, oauthError("slow_down"), 1)
		w.at(3*time.Second, func() { w.answer(emulator.Token, 428, oauthError("authorization_pending"), 1) })
		w.at(10*time.Second, func() { w.answer(emulator.Token, 400, oauthError("slow_down"), 1) })
		w.at(17*time.Second, func() { w.answer(emulator.Token, 400, oauthError("authorization_pending"), 1) })
		w.at(30*time.Second, w.agree)
		if _, err := w.signIn(t.Context(), device.Options{}); err != nil {
			t.Fatal(err)
		}
		w.wantPolls(2, 2+7, 2+2*7, 2+2*7+12, 2+2*7+2*12)
	})
}

// RFC 8628 section 3.2: a provider that names no interval means 5 seconds.
func TestNoInterval(t *testing.T) {
	for name, interval := range map[string]string{"absent": "", "zero": `"interval": 0,`, "negative": `"interval": -1,`} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
				w.answer(emulator.DeviceCode, 200, fmt.Sprintf(`{"device_code": "d", "user_code": "C", %s "expires_in": 12,
					"verification_uri": "https://idp.example/device", "verification_uri_complete": "https://idp.example/device?user_code=C"}`, interval), 1)
				w.answer(emulator.Token, 400, oauthError("authorization_pending"), 0)
				_, err := w.signIn(t.Context(), device.Options{})
				if !errors.Is(err, core.ErrSignInTimeout) {
					t.Errorf("error is %v", err)
				}
				w.wantPolls(5, 10)
				w.wantAfter(12)
				// Not the address that has the code in it.
				if p := w.prompt(); p.URL != "https://idp.example/device" || p.Code != "C" {
					t.Errorf("prompt is %+v", p)
				}
			})
		})
	}
}

// It ends when the code does, by this machine's clock or by the provider's
// word, or when the caller's time is over.
func TestExpires(t *testing.T) {
	inWorld(t, emulator.Options{DeviceInterval: 7 * time.Minute}, func(t *testing.T, w *world) {
		_, err := w.signIn(t.Context(), device.Options{})
		if e := errorAs[*device.TimeoutError](t, err); e.After != 30*time.Minute || !errors.Is(err, core.ErrSignInTimeout) {
			t.Errorf("error is %v", err)
		}
		w.wantPolls(7*60, 14*60, 21*60, 28*60)
		w.wantAfter(30 * 60)
	})
}

func TestTimeout(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		_, err := w.signIn(t.Context(), device.Options{Timeout: 12 * time.Second})
		if e := errorAs[*device.TimeoutError](t, err); e.After != 12*time.Second {
			t.Errorf("error is %v", err)
		}
		if p := w.prompt(); !p.Deadline.Equal(w.began.Add(12 * time.Second)) {
			t.Errorf("deadline is %v", p.Deadline)
		}
		w.wantPolls(5, 10)
		w.wantAfter(12)
	})
}

func TestExpiredByTheProvider(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		w.answer(emulator.Token, 400, oauthError("expired_token"), 0)
		if _, err := w.signIn(t.Context(), device.Options{}); !errors.Is(err, core.ErrSignInTimeout) {
			t.Errorf("error is %v", err)
		}
		w.wantPolls(5)
	})
}

// A caller who gives up waits no longer.
func TestCancel(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		w.at(7*time.Second, cancel)
		if _, err := w.signIn(ctx, device.Options{}); !errors.Is(err, context.Canceled) || errors.Is(err, core.ErrSignInTimeout) {
			t.Errorf("error is %v", err)
		}
		w.wantPolls(5)
		w.wantAfter(7)
	})
}

// A caller's own deadline is not the code's.
func TestCallersDeadline(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		if _, err := w.signIn(ctx, device.Options{}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, core.ErrSignInTimeout) {
			t.Errorf("error is %v", err)
		}
		w.wantAfter(8)
	})
}

func TestDenied(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		w.at(6*time.Second, func() {
			w.now.Store(time.Now().UnixNano())
			if err := w.google.DenyDevice(context.Background(), w.prompt().Code); err != nil {
				t.Error(err)
			}
		})
		_, err := w.signIn(t.Context(), device.Options{})
		if e := errorAs[*device.DeniedError](t, err); e.Code != "access_denied" || !errors.Is(err, core.ErrDenied) {
			t.Errorf("error is %v", err)
		}
		w.wantPolls(5, 10)
	})
}

func TestForbiddenByTheAdministrator(t *testing.T) {
	for _, code := range []string{"admin_policy_enforced", "org_internal"} {
		t.Run(code, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
				w.answer(emulator.Token, 403, oauthError(code), 0)
				_, err := w.signIn(t.Context(), device.Options{})
				if !errors.Is(err, core.ErrDenied) || !strings.Contains(err.Error(), code) {
					t.Errorf("error is %v", err)
				}
				if code == "invalid_client" { // the secret may have to be in the header
					w.wantPolls(5, 5)
					return
				}
				w.wantPolls(5)
			})
		})
	}
}

// RFC 8628 section 3.5: a network or a provider that fails is asked half as often
// each time, and is no end of the sign-in.
func TestTrouble(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		w.google.SetFault(emulator.Token, &emulator.Fault{Reset: true, Times: 1})
		w.at(6*time.Second, func() {
			w.google.SetFault(emulator.Token, &emulator.Fault{Status: 502, Body: []byte("<html>planted"), Times: 3})
		})
		w.at(100*time.Second, w.agree)
		if _, err := w.signIn(t.Context(), device.Options{}); err != nil {
			t.Fatal(err)
		}
		// 5, then pauses of 10, 20, 40 and 60 seconds; it is 5 again after an answer.
		w.wantPolls(5, 15, 35, 75, 135)
	})
}

func TestTroubleIsForgotten(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		w.google.SetFault(emulator.Token, &emulator.Fault{Status: 503, Body: []byte("-"), Times: 1})
		w.at(17*time.Second, w.agree)
		if _, err := w.signIn(t.Context(), device.Options{}); err != nil {
			t.Fatal(err)
		}
		w.wantPolls(5, 15, 20)
	})
}

// What else the token endpoint says is its last word.
func TestRefusedPoll(t *testing.T) {
	for _, code := range []string{"invalid_grant", "invalid_client", "unsupported_grant_type", "something_new"} {
		t.Run(code, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
				w.answer(emulator.Token, 400, oauthError(code), 0)
				_, err := w.signIn(t.Context(), device.Options{})
				if e := errorAs[*oidc.ProviderError](t, err); e.Code != code {
					t.Errorf("error is %v", err)
				}
				if code == "invalid_client" { // the secret may have to be in the header
					w.wantPolls(5, 5)
					return
				}
				w.wantPolls(5)
			})
		})
	}
}

// At Google, a desktop client is no client for this.
func TestWrongClient(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		desktop := w.google.Clients()[0]
		w.client = w.newClient(desktop.ID, desktop.Secret)
		_, err := w.signIn(t.Context(), device.Options{})
		if e := errorAs[*device.ClientError](t, err); !strings.Contains(e.Remedy().String(), "TVs and Limited Input") {
			t.Errorf("hint is %q", e.Remedy().String())
		}
		w.wantPolls()
		if len(w.prompts) > 0 {
			t.Error("somebody was prompted")
		}
	})
}

func TestScopeThatDevicesDoNotGet(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		_, err := w.signIn(t.Context(), device.Options{Scopes: []string{"https://www.googleapis.com/auth/cloud-platform"}})
		if e := errorAs[*oidc.ProviderError](t, err); e.Code != "invalid_scope" {
			t.Errorf("error is %v", err)
		}
	})
}

// What is shown to a person has to be what RFC 8628 section 3.2 has.
func TestBadDeviceAnswer(t *testing.T) {
	const rest = `, "expires_in": 60, "interval": 5}`
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		for name, body := range map[string]string{
			"not JSON":        `<html>`,
			"a list":          `[]`,
			"twice":           `{"device_code": "d", "user_code": "A", "user_code": "B", "verification_uri": "https://a.example/"` + rest,
			"no code":         `{"user_code": "A", "verification_uri": "https://a.example/"` + rest,
			"no user code":    `{"device_code": "d", "verification_uri": "https://a.example/"` + rest,
			"escapes":         `{"device_code": "d", "user_code": "\u001b[2JAB", "verification_uri": "https://a.example/"` + rest,
			"long":            `{"device_code": "d", "user_code": "` + strings.Repeat("A", 65) + `", "verification_uri": "https://a.example/"` + rest,
			"no address":      `{"device_code": "d", "user_code": "A"` + rest,
			"plain http":      `{"device_code": "d", "user_code": "A", "verification_uri": "http://a.example/"` + rest,
			"script":          `{"device_code": "d", "user_code": "A", "verification_uri": "javascript:alert(1)"` + rest,
			"odd address":     `{"device_code": "d", "user_code": "A", "verification_uri": "https://a.example/\u202e"` + rest,
			"no end":          `{"device_code": "d", "user_code": "A", "verification_uri": "https://a.example/"}`,
			"over":            `{"device_code": "d", "user_code": "A", "verification_uri": "https://a.example/", "expires_in": -5}`,
			"no such number":  `{"device_code": "d", "user_code": "A", "verification_uri": "https://a.example/", "expires_in": "soon"}`,
			"for ever":        `{"device_code": "d", "user_code": "A", "verification_uri": "https://a.example/", "expires_in": 60, "interval": 1e15}`,
			"longer interval": `{"device_code": "d", "user_code": "A", "verification_uri": "https://a.example/", "expires_in": 60, "interval": 10000000000}`,
		} {
			w.answer(emulator.DeviceCode, 200, body, 0)
			_, err := w.signIn(t.Context(), device.Options{})
			var refused *oidc.ProviderError
			if !errors.As(err, &refused) || len(w.prompts) > 0 {
				t.Errorf("%s: error is %v, prompts are %v", name, err, w.prompts)
			}
		}
	})
}

// A prompter that returns has shown the code; one that has an answer is told that
// there is none.
func TestPrompterThatDoesNotStay(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		w.answers = []string{"http://127.0.0.1/?code=x&state=y", ""}
		w.at(6*time.Second, w.agree)
		if _, err := w.signIn(t.Context(), device.Options{}); err != nil {
			t.Fatal(err)
		}
		w.wantPolls(5, 10)
		if p := w.prompt(); len(w.prompts) != 2 || !strings.Contains(p.Problem, "nothing to paste") || p.Code == "" {
			t.Errorf("prompts are %+v", w.prompts)
		}
	})
}

func TestPrompterThatFails(t *testing.T) {
	inWorld(t, emulator.Options{}, func(t *testing.T, w *world) {
		broken := errors.New("the screen is gone")
		_, err := device.New(device.Options{})(w.client).SignIn(t.Context(),
			core.PrompterFunc(func(context.Context, core.Prompt) (string, error) { return "", broken }))
		if !errors.Is(err, broken) {
			t.Errorf("error is %v", err)
		}
		w.wantPolls()
		w.wantAfter(0)
		synctest.Wait()
	})
}
