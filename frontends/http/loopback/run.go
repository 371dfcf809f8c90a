// Package loopback is the one server under everything that listens on this machine for
// a person's own programs and browser: the page, the token API, the proxy and the
// metadata server. It listens on the addresses of localhost, lets in what is meant for
// it, and ends when it is told to.
//
// A loopback address is no identity. Any web page that a person has open, and any user
// of the machine, can send requests to it. So: a name is a server's own only if nobody
// else can listen where the name leads ([Listeners]); the Host must be one of those
// names (DNS rebinding), the Origin and the Fetch Metadata of a browser must be the
// server's own pages' ([Gate]), no header lets another origin read an answer
// ([Protect]), and what does anything wants a key that was made for this run, or a
// connection of the same user ([Options.OwnerOnly]).
package loopback

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
)

// ParseDuration reads how long a server is to run, such as 8h. Nothing is 0: until it
// is ended.
func ParseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, &fault.Error{Kind: fault.BadConfig, Err: fmt.Errorf("%w: for wants a time such as 30m or 8h", plugins.ErrBadConfig), Remedy: fault.CorrectSetting.To("for", "8h")}
	}
	return d, nil
}

// Limit returns ctx with an end after d, or none where d is 0.
func Limit(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// Follow calls show with what say makes of the session, now and after each change, until
// ctx ends: others sign in and out of it. It does not repeat a line.
func Follow(ctx context.Context, app core.App, log *slog.Logger, say func(core.Status) string, show func(line string)) {
	updates, err := app.Watch(ctx)
	if err != nil {
		if ctx.Err() != nil { // the end came first
			return
		}
		log.Warn("the session cannot be watched: changes elsewhere are noticed late", "error", err)
		return
	}
	shown := ""
	for st := range updates {
		if line := say(st); line != shown {
			shown = line
			show(line)
		}
	}
}

// Advice says what to do next about err, in the words of a shell.
func Advice(err error) string {
	switch r := fault.RemedyOf(err); {
	case r.From != "":
		return "plugin " + r.From + " says: " + r.String()
	case r.Text != "":
		return r.Text
	case r.Action == fault.SignIn:
		return "run tokentoss login"
	case r.Action == fault.Forget:
		return "run tokentoss logout --local, then tokentoss login"
	case r.Action == fault.Configure:
		return "run tokentoss configure"
	case r.Action == fault.Unlock:
		return "run tokentoss status in a terminal, where it can ask for what unlocks the store"
	case r.Action == fault.Diagnose || r.IsZero():
		return "run tokentoss doctor"
	default:
		return r.String()
	}
}
