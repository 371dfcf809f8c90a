package full

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

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
	if path, err = filepath.Abs(path); err != nil {
		return "", nil, err
	}
	return path, func() {}, os.WriteFile(path, data, 0o600)
}
