package full

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/cli"
)

// deviceClientID is that of the client for the device flow.
const deviceClientID = "104250000042-device.apps.googleusercontent.com"

// runEmulator runs the emulator until it is interrupted. It prints one line of
// JSON when it is ready.
func runEmulator(ctx context.Context, in *cli.Invocation, want cli.EmulatorOptions) error {
	o := emulator.Options{
		Listen: want.Listen, Upstream: want.Upstream, AutoConsent: want.AutoConsent, TokenLifetime: want.TokenLifetime,
		Guard: emulator.Guard(want.Guard),
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
	e, err := emulator.Start(ctx, o)
	if err != nil {
		return fmt.Errorf("the emulator cannot start: %w", err)
	}
	defer e.Close()
	file, remove, err := writeClient(want.ClientFile, e.ClientSecrets())
	if err != nil {
		return err
	}
	defer remove()
	deviceFile, removeDevice, err := writeClient(want.DeviceClientFile, e.ClientSecretsOf(e.Clients()[1]))
	if err != nil {
		return err
	}
	defer removeDevice()
	ready, err := json.Marshal(struct {
		Google        string `json:"google"`
		IAP           string `json:"iap"`
		ClientSecrets string `json:"client_secrets"`
		DeviceSecrets string `json:"device_client_secrets"` // of the client for devices

		// For a service that checks who IAP sends.
		AssertionAudience string `json:"assertion_audience"`
		AssertionKeys     string `json:"assertion_keys"`
	}{e.GoogleURL(), e.IAPURL(), file, deviceFile, e.AssertionAudience(), e.AssertionKeysURL()})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(in.Stdout, string(ready)); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// writeClient writes the emulator's OAuth client to path, or to a temporary file
// that remove removes.
func writeClient(path string, data []byte) (file string, remove func(), err error) {
	if path == "" {
		dir, err := os.MkdirTemp("", "tokentoss-emulator")
		if err != nil {
			return "", nil, err
		}
		path = filepath.Join(dir, "client_secrets.json")
		return path, func() { _ = os.RemoveAll(dir) }, os.WriteFile(path, data, 0o600)
	}
	return path, func() {}, privatefile.ReplaceOutput(path, func(old []byte) ([]byte, error) {
		if _, err := oidc.ParseClientSecrets(old); len(old) > 0 && err != nil {
			return nil, fmt.Errorf("%s is there, and no OAuth client", path)
		}
		return data, nil
	})
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
