package device_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/device"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/stores/memory"
)

// Sign a person in whose browser is on another machine. Here an emulator is Google, and
// the person types the code in at once.
func Example() {
	ctx := context.Background()
	tv := emulator.Client{ID: "tv.apps.googleusercontent.com", Secret: "GOCSPX-tv", Type: emulator.LimitedInput}
	google, err := emulator.Start(ctx, emulator.Options{Clients: []emulator.Client{tv}, Accounts: []emulator.Account{{Email: "ada@example.com"}},
		DeviceInterval: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer google.Close()
	client, err := oidc.NewClient(oidc.ClientSecrets{ClientID: tv.ID, ClientSecret: oidc.Secret(tv.Secret)},
		oidc.ProviderOptions{Issuer: google.Issuer(), InsecureLoopback: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := core.NewSession(core.SessionOptions{Client: client, Store: memory.New(), Flow: device.New(device.Options{})})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	// A real Prompter shows p.URL and p.Code, and waits for ctx to end.
	status, err := session.SignIn(ctx, core.PrompterFunc(func(ctx context.Context, p core.Prompt) (string, error) {
		return "", google.ApproveDevice(ctx, p.Code, "ada@example.com")
	}))
	fmt.Println(status.State, status.Email, err)
	// Output: signed_in ada@example.com <nil>
}
