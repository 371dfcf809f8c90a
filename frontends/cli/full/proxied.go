package full

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// Tools that know user names and passwords only, which IAP does not take, reach services
// by the proxy. Their helpers give the secret of one that runs, to its own address and to
// no other; it lives as long as the proxy does.

// helpers implements [cli.Helpers].
type helpers struct{}

// maxServer bounds what Docker may say.
const maxServer = 64 << 10

// notFound is how a helper of Docker says that it has nothing, by which it is known.
const notFound = "credentials not found in native keychain"

// Docker is a credential helper (https://docs.docker.com/reference/cli/docker/login/).
// What goes wrong is read from standard output there.
func (helpers) Docker(_ context.Context, in *cli.Invocation, verb string) error {
	err := docker(in, verb)
	if err != nil {
		text, _ := cli.Explain(err)
		fmt.Fprintln(in.Stdout, text)
		if text == notFound {
			return cli.Exit(1)
		}
	}
	return err
}

func docker(in *cli.Invocation, verb string) error {
	list, err := running(in)
	if err != nil {
		return err
	}
	switch verb {
	case "list":
		users := map[string]string{}
		for _, c := range list {
			users[c.Host] = c.User
		}
		return json.NewEncoder(in.Stdout).Encode(users)
	case "erase": // there is nothing to erase
		_, err := io.Copy(io.Discard, io.LimitReader(in.Stdin, maxServer))
		return err
	case "store":
		return cli.Hinted(errors.New("passwords are not stored: the proxy's is given while it runs"), "docker login is not needed")
	case "get":
	default:
		return cli.Usage("tokentoss credential docker get", "credential docker: there is no %q", verb)
	}
	data, err := io.ReadAll(io.LimitReader(in.Stdin, maxServer))
	if err != nil {
		return err
	}
	server := strings.TrimSpace(string(data))
	c, ok := credentialFor(list, server, "")
	if !ok {
		return errors.New(notFound)
	}
	return json.NewEncoder(in.Stdout).Encode(map[string]string{"ServerURL": server, "Username": c.User, "Secret": c.Secret.Reveal()})
}

// Keyring has the arguments of the program keyring, of which pip and uv use "get". What is
// not about a proxy that runs is for the next program of that name on PATH.
func (helpers) Keyring(_ context.Context, in *cli.Invocation, args []string) error {
	list, err := running(in)
	if err != nil {
		return err
	}
	ask := readKeyring(args)
	if ask.verb == "get" {
		if c, ok := credentialFor(list, ask.service, ask.user); ok {
			return ask.answer(in.Stdout, c)
		}
	}
	if next := nextKeyring(); next != "" {
		return in.Become(next, append([]string{next}, args...), os.Environ())
	}
	if ask.verb == "get" {
		return cli.Exit(1) // which is how keyring says that it has nothing
	}
	return cli.Usage("tokentoss proxy URL, then keyring get http://127.0.0.1:PORT tokentoss", "this keyring gives the secret of a proxy that runs, and keeps nothing")
}

// running returns what is shown to the proxies that run.
func running(in *cli.Invocation) ([]proxy.Credential, error) {
	dir, err := in.Dir()
	if err != nil {
		return nil, err
	}
	return proxy.Running(filepath.Join(dir, "frontends", "proxy"))
}

// credentialFor returns what is shown to the proxy at a service, which is a URL or host:port.
func credentialFor(list []proxy.Credential, service, user string) (proxy.Credential, bool) {
	if !strings.Contains(service, "://") {
		service = "http://" + service
	}
	u, err := url.Parse(service)
	if err != nil || u.Scheme != "http" {
		return proxy.Credential{}, false
	}
	i := slices.IndexFunc(list, func(c proxy.Credential) bool {
		return strings.EqualFold(c.Host, u.Host) && (user == "" || user == c.User)
	})
	if i < 0 {
		return proxy.Credential{}, false
	}
	return list[i], true
}

// A keyringAsk is a command line of keyring.
type keyringAsk struct {
	verb, service, user string
	mode, output        string
}

func readKeyring(args []string) keyringAsk {
	ask := keyringAsk{}
	var words []string
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(args[i], "=")
		into := map[string]*string{"--mode": &ask.mode, "--output": &ask.output}[name]
		switch {
		case into == nil:
			words = append(words, args[i])
			continue
		case !hasValue && i+1 < len(args):
			i++
			value = args[i]
		}
		*into = value
	}
	words = append(words, "", "", "")
	ask.verb, ask.service, ask.user = words[0], words[1], words[2]
	return ask
}

func (ask keyringAsk) answer(w io.Writer, c proxy.Credential) error {
	words := []string{c.Secret.Reveal()}
	object := map[string]string{"password": c.Secret.Reveal()}
	if ask.mode == "creds" {
		words = []string{c.User, c.Secret.Reveal()}
		object["username"] = c.User
	}
	if ask.output == "json" {
		return json.NewEncoder(w).Encode(object)
	}
	_, err := fmt.Fprintln(w, strings.Join(words, "\n"))
	return err
}

// nextKeyring returns another program called keyring on PATH, or "".
func nextKeyring() string {
	name := "keyring"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if filepath.IsAbs(dir) && err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0) && !isOurs(path) {
			return path
		}
	}
	return ""
}
