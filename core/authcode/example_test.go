package authcode_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/stores/memory"
)

// Sign a person in with the browser of this machine. Here an emulator is Google, and the
// browser is one that agrees to everything; with the real Google there is no
// InsecureLoopback, and the client is read from client_secrets.json.
func Example() {
	ctx := context.Background()
	google, err := emulator.Start(ctx, emulator.Options{AutoConsent: "ada@example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer google.Close()
	secrets, err := oidc.ParseClientSecrets(google.ClientSecrets())
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := oidc.NewClient(secrets, oidc.ProviderOptions{InsecureLoopback: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := core.NewSession(core.SessionOptions{
		Client: client,
		Store:  memory.New(),
		Flow:   authcode.New(authcode.Options{Timeout: time.Minute, LoginHint: "ada@example.com"}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	// A real Prompter shows p.URL or starts a browser, and may return what was pasted.
	status, err := session.SignIn(ctx, core.PrompterFunc(func(ctx context.Context, p core.Prompt) (pasted string, err error) {
		res, err := http.Get(p.URL)
		if err != nil {
			return "", err
		}
		return "", res.Body.Close()
	}))
	fmt.Println(status.State, status.Email, err)
	// Output: signed_in ada@example.com <nil>
}
