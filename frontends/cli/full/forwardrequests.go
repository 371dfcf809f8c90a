package full

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/http/forwardproxy"
	"github.com/tokentoss/tokentoss/profile"
)

// newRequestProxy makes what makes another machine's requests here.
func newRequestProxy(ctx context.Context, in *cli.Invocation, p *profile.Profile, targets []string) (*forwardproxy.Proxy, error) {
	useAllProxy()
	proxy, err := forwardproxy.New(forwardproxy.Options{
		Targets: targets, Tokens: p.Session, Requests: p.Requests(), Log: in.Logger(), Failed: sayFailure(in), Unlisted: true,
	})
	if err != nil {
		return nil, err
	}
	return proxy, proxy.Start(ctx)
}

// sayFailure tells the person why a request that a proxy made was refused.
func sayFailure(in *cli.Invocation) func(forwardproxy.Failure) {
	return func(f forwardproxy.Failure) {
		text, hint := cli.Explain(f.Err)
		in.Warn("%s", text)
		if hint != "" {
			in.Hint("%s", hint)
		}
	}
}

// openRequests is for [forward.Options].
func openRequests(proxy *forwardproxy.Proxy) func(forward.Request, forward.Allow) (func(context.Context, net.Conn), error) {
	return func(r forward.Request, allow forward.Allow) (func(context.Context, net.Conn), error) {
		if !proxy.Has(r.Target) {
			return nil, &fault.Error{Subject: r.Target, Kind: fault.WrongOrigin, Problem: "requests are made for what was named when this began, and for nothing else"}
		}
		return func(ctx context.Context, c net.Conn) {
			proxy.ServeConn(ctx, c, r.Target, func(ctx context.Context, q *http.Request) error {
				return allow(ctx, q.Method+" https://"+q.Host+q.URL.EscapedPath())
			})
		}, nil
	}
}

// allowForward asks the person before what they want to be asked about.
func allowForward(in *cli.Invocation, confirm cli.Confirm) func(context.Context, forward.Request) error {
	if confirm == cli.ConfirmNothing {
		return nil
	}
	ask := in.Confirmations()
	var mu sync.Mutex
	allowed := make(map[forward.Request]bool)
	return func(ctx context.Context, r forward.Request) error {
		whole := r
		r.Line = ""
		mu.Lock()
		before := allowed[r]
		mu.Unlock()
		if before {
			return nil
		}
		question := fmt.Sprintf("a program that calls itself %q, at %q, wants a token; give it one?", r.Program, r.Host)
		if r.Target != "" {
			question = fmt.Sprintf("a program that calls itself %q, at %q, wants %q; make the request?", r.Program, r.Host, whole.Line)
		}
		yes, err := ask(ctx, question)
		if err == nil && !yes {
			err = &fault.Error{Problem: "the person there said no", Kind: fault.Refused}
		}
		if err == nil && confirm == cli.ConfirmOnce {
			mu.Lock()
			allowed[r] = true
			mu.Unlock()
		}
		return err
	}
}
