package full

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/control"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

// deviceClientID is that of the client for the device flow.
const deviceClientID = "104250000042-device.apps.googleusercontent.com"

// runEmulator runs the emulator until it is interrupted. It prints one line of
// JSON when it is ready.
func runEmulator(ctx context.Context, in *cli.Invocation, want cli.EmulatorOptions) error {
	o := emulator.Options{
		Listen: want.Listen, Upstream: want.Upstream, AutoConsent: want.AutoConsent, TokenLifetime: want.TokenLifetime,
		Guard: emulator.Guard(want.Guard), TLS: want.TLS, TLSNames: want.TLSNames, AccessTokens: want.AccessTokens,
	}
	if want.Provider != "" {
		var err error
		if o.Provider, err = emulator.ParseProvider(want.Provider); err != nil {
			return fmt.Errorf("the emulator cannot start: %w", err)
		}
	}
	o.Clients = []emulator.Client{{ID: deviceClientID, Secret: "GOCSPX-" + rand.Text(), Type: emulator.LimitedInput}}
	for _, email := range want.Accounts {
		o.Accounts = append(o.Accounts, emulator.Account{Email: email})
	}
	for _, email := range want.ServiceAccounts {
		o.ServiceAccounts = append(o.ServiceAccounts, emulator.ServiceAccount{Email: email})
	}
	for _, text := range want.Instances {
		i, err := parseInstance(text)
		if err != nil {
			return err
		}
		o.Instances = addInstance(o.Instances, i)
	}
	if want.UntilEOF {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() { // ends with the process
			_, _ = io.Copy(io.Discard, in.Stdin)
			end()
		}()
	}
	e, err := emulator.Start(ctx, o)
	if err != nil {
		return fmt.Errorf("the emulator cannot start: %w", err)
	}
	defer e.Close()
	files := new(emulatorFiles)
	defer files.remove()
	api, err := startControl(ctx, e, want)
	if err != nil {
		return err
	}
	defer api.stop()
	ready, err := files.announce(e, want, api)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(in.Stdout, ready); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// announce writes what clients need to files, and returns the line that says where all is.
func (f *emulatorFiles) announce(e *emulator.Emulator, want cli.EmulatorOptions, api *controlAPI) (string, error) {
	var ready struct {
		Google        string `json:"google"`
		IAP           string `json:"iap"`
		CA            string `json:"ca,omitempty"` // what certifies both
		Control       string `json:"control,omitempty"`
		ControlKey    string `json:"control_key,omitempty"`
		ClientSecrets string `json:"client_secrets"`
		DeviceSecrets string `json:"device_client_secrets"` // of the client for devices

		// For a service that checks who IAP sends.
		AssertionAudience string `json:"assertion_audience"`
		AssertionKeys     string `json:"assertion_keys"`
	}
	ready.Google, ready.IAP = e.GoogleURL(), e.IAPURL()
	ready.AssertionAudience, ready.AssertionKeys = e.AssertionAudience(), e.AssertionKeysURL()
	var err error
	if ready.ClientSecrets, err = f.write(want.ClientFile, "client_secrets.json", e.ClientSecrets(), isClient); err != nil {
		return "", err
	}
	if ready.DeviceSecrets, err = f.write(want.DeviceClientFile, "device_client_secrets.json", e.ClientSecretsOf(e.Clients()[1]), isClient); err != nil {
		return "", err
	}
	if ca := e.CA(); ca != nil {
		if ready.CA, err = f.write(want.CAFile, "ca.pem", ca, isCertificate); err != nil {
			return "", err
		}
	}
	switch {
	case api == nil:
	case want.ControlKeyFile == "":
		ready.Control, ready.ControlKey = api.url, api.key
	default:
		ready.Control = api.url
		if _, err := f.write(want.ControlKeyFile, "", []byte(api.key+"\n"), isKey); err != nil {
			return "", err
		}
	}
	line, err := json.Marshal(ready)
	return string(line), err
}

// emulatorFiles are those that nobody named: they are in a directory that ends with the emulator.
type emulatorFiles struct{ dir string }

func (f *emulatorFiles) remove() {
	if f.dir != "" {
		_ = os.RemoveAll(f.dir)
	}
}

// write writes data to path, over what is of the same kind only, or to a temporary file with that name.
func (f *emulatorFiles) write(path, name string, data []byte, kind func([]byte) error) (file string, err error) {
	if path != "" {
		return path, privatefile.ReplaceOutput(path, func(old []byte) ([]byte, error) {
			if len(old) > 0 {
				if err := kind(old); err != nil {
					return nil, fmt.Errorf("%s is there, and %w", path, err)
				}
			}
			return data, nil
		})
	}
	if f.dir == "" {
		if f.dir, err = os.MkdirTemp("", "tokentoss-emulator"); err != nil {
			return "", err
		}
	}
	path = filepath.Join(f.dir, name)
	return path, os.WriteFile(path, data, 0o600)
}

func isClient(b []byte) error {
	if _, err := oidc.ParseClientSecrets(b); err != nil {
		return errors.New("no OAuth client")
	}
	return nil
}

func isCertificate(b []byte) error {
	if !x509.NewCertPool().AppendCertsFromPEM(b) {
		return errors.New("no certificate")
	}
	return nil
}

// isKey tells a key of an earlier run, which is one word.
func isKey(b []byte) error {
	if len(b) > 64 || len(strings.Fields(string(b))) != 1 {
		return errors.New("no key of the control API")
	}
	return nil
}

// A controlAPI is what tests in other languages talk to.
type controlAPI struct {
	url, key string
	server   *loopback.Server
}

// startControl serves the control API on a loopback address of its own, or returns nil where it is not asked for.
func startControl(ctx context.Context, e *emulator.Emulator, want cli.EmulatorOptions) (*controlAPI, error) {
	if !want.Control {
		return nil, nil
	}
	ls, err := loopback.Listen(ctx, loopback.Address{Text: "127.0.0.1:0"})
	if err != nil {
		return nil, err
	}
	api := &controlAPI{url: "http://" + ls.Hosts()[0], key: loopback.NewKey(), server: loopback.NewServer(ctx, loopback.Options{})}
	gate := loopback.Gate{Hosts: ls.Hosts()}
	api.server.Serve(ls, gate.Handler(control.Handler(e, api.key), func(w http.ResponseWriter, _ *http.Request, status int, reason string) {
		http.Error(w, reason, status)
	}))
	return api, nil
}

func (c *controlAPI) stop() {
	if c != nil {
		c.server.Stop(time.Second)
	}
}

// parseInstance reads PROJECT/ZONE/NAME:PORT=HOST:PORT.
func parseInstance(text string) (emulator.Instance, error) {
	what, address, _ := strings.Cut(text, "=")
	name, port, _ := strings.Cut(what, ":")
	parts := strings.Split(name, "/")
	n, err := strconv.ParseUint(port, 10, 16)
	_, _, addressErr := net.SplitHostPort(address)
	if len(parts) != 3 || slices.Contains(parts, "") || err != nil || n == 0 || addressErr != nil {
		return emulator.Instance{}, cli.Usage("--instance my-project/europe-west1-b/box:22=127.0.0.1:22", "emulator: --instance %q is not PROJECT/ZONE/NAME:PORT=HOST:PORT", text)
	}
	return emulator.Instance{Project: parts[0], Zone: parts[1], Name: parts[2], Ports: map[int]string{int(n): address}}, nil
}

// addInstance adds an instance, or the port of one that is there.
func addInstance(list []emulator.Instance, i emulator.Instance) []emulator.Instance {
	for _, old := range list {
		if old.Project == i.Project && old.Zone == i.Zone && old.Name == i.Name {
			maps.Copy(old.Ports, i.Ports)
			return list
		}
	}
	return append(list, i)
}
