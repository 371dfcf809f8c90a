package full

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/parent"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/cli/full/childenv"
	"github.com/tokentoss/tokentoss/frontends/http/forwardproxy"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/profile"
)

// proxyShare is of how many cores the proxy of a run has one. The command wants the rest,
// and few connections are served faster by one thread than by several, which wake each
// other for each step of a request.
const proxyShare = 4

// serveRun is the proxy of the run of a process, with that one's command line, and
// returns the exit code.
func serveRun(process string, args []string) int {
	pid, err := strconv.Atoi(process)
	if err != nil || pid <= 0 {
		return 2
	}
	closeInherited()
	// The command waits: what takes long begins at once, and no garbage is collected.
	collecting, cores := debug.SetGCPercent(-1), runtime.GOMAXPROCS(0)
	authority, err := forwardproxy.NewAuthority(time.Now())
	if err != nil {
		return 1
	}
	roots := childenv.ReadRoots(os.Environ(), authority.Root)
	os.Args = append(os.Args[:1], args...)
	f := everything()
	f.Process = pid
	f.RunProxy = func(ctx context.Context, in *cli.Invocation, o cli.RunOptions) error {
		return runProxy(ctx, in, o, beginning{authority, roots, func() {
			debug.SetGCPercent(collecting)
			runtime.GOMAXPROCS(max(1, cores/proxyShare))
		}})
	}
	code := cli.Main(f)
	if code != 0 {
		_ = json.NewEncoder(os.Stdout).Encode(cli.RunAnswer{Exit: code}) // it waits no more after an answer
	}
	return code
}

// A beginning is what was begun before the command line was read.
type beginning struct {
	authority *forwardproxy.Authority
	roots     *childenv.Roots
	end       func() // when the command can begin
}

// runProxy is the proxy of a run. It ends with the process that became the command.
func runProxy(ctx context.Context, in *cli.Invocation, o cli.RunOptions, b beginning) error {
	ctx, cancel := parent.WithProcess(ctx, o.Process)
	defer cancel()
	useAllProxy()
	p, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	proxy, targets, err := newRunProxy(in, p, o, b.authority)
	if err != nil {
		return err
	}
	if l := p.Lender(); l != nil {
		l.Program = func() string { return programOf(o.Process) }
	}
	if p.Requests() == nil {
		if _, err := p.IDToken(ctx); err != nil {
			return err
		}
	}
	dir, remove, err := runDir(ctx)
	if err != nil {
		return err
	}
	defer remove()
	if err := proxy.Start(ctx); err != nil {
		return err
	}
	defer proxy.Close()
	vars, err := childenv.Build(childenv.Run{
		Environ: os.Environ(), Proxy: proxy.URL(), Targets: targets, Dir: dir, Java: proxy.Bare(), Roots: b.roots,
	})
	if err != nil {
		return err
	}
	for _, note := range vars.Notes {
		in.Logger().Debug(note)
	}
	// From here on the terminal is the command's, and so are the signals.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	leaveTerminal()
	err = json.NewEncoder(os.Stdout).Encode(cli.RunAnswer{Set: vars.Set})
	endOutput()
	if err != nil {
		return err // the process is gone
	}
	b.end()
	ended := time.AfterFunc(time.Until(proxy.Authority().NotAfter), func() {
		in.Warn("this run is 24 hours old, and its certificates ended: the command's next connections fail")
		in.Hint("start the command again")
	})
	defer ended.Stop()
	// Others sign out and in: a session that is watched notices.
	var watching sync.WaitGroup
	watching.Go(func() {
		loopback.Follow(ctx, p.Session, in.Logger(), func(core.Status) string { return "" }, func(string) {})
	})
	err = proxy.Wait(ctx)
	cancel()
	watching.Wait()
	return err
}

// programOf is the name of the program that a process runs, where the system tells.
func programOf(process int) string {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", process))
	return strings.TrimSpace(string(name))
}

// newRunProxy makes the proxy for the targets of the options or of the profile.
func newRunProxy(in *cli.Invocation, p *profile.Profile, o cli.RunOptions, a *forwardproxy.Authority) (*forwardproxy.Proxy, []*url.URL, error) {
	list := o.Targets
	if len(list) == 0 {
		list = p.Settings.Targets
	}
	if len(list) == 0 {
		return nil, nil, cli.Usage("tokentoss run --for https://my-service.run.app -- COMMAND, or targets in "+profile.ConfigName, "run: for which service?")
	}
	if err := p.CheckLent(list...); err != nil {
		return nil, nil, err
	}
	proxy, err := forwardproxy.New(forwardproxy.Options{
		Targets: list, Tokens: &attentive{App: p.Session}, Requests: p.Requests(), Log: in.Logger(), Process: o.Process, Failed: sayFailure(in), Authority: a,
	})
	switch {
	case err != nil && len(o.Targets) == 0:
		return nil, nil, &profile.SettingError{Key: "targets", Err: err}
	case err != nil:
		return nil, nil, err
	}
	var targets []*url.URL
	for _, raw := range list {
		u, err := url.Parse(raw)
		if err != nil {
			return nil, nil, err
		}
		if isHere(u.Hostname()) {
			in.Warn("%s is on this machine, for which programs in Go and Java, and some others, use no proxy: they get no token", u.Host)
		}
		targets = append(targets, u)
	}
	return proxy, targets, nil
}

// useAllProxy makes ALL_PROXY count for this process as it does for the programs that
// read it, which Go does not.
func useAllProxy() {
	all := cmp.Or(os.Getenv("ALL_PROXY"), os.Getenv("all_proxy"))
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY"} {
		if all != "" && os.Getenv(name) == "" && os.Getenv(strings.ToLower(name)) == "" {
			_ = os.Setenv(name, all)
		}
	}
}

// isHere tells whether a host is this machine by its name.
func isHere(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && net.IP(ip.AsSlice()).IsLoopback()
}
