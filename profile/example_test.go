package profile_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/profile"
)

// The session that the command line made, in a program of one's own.
func Example() {
	p, err := profile.Open(profile.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	client, err := p.HTTPClient("https://my-service.run.app")
	if err != nil {
		log.Fatal(err)
	}
	res, err := client.Get("https://my-service.run.app/api/data")
	if errors.Is(err, core.ErrSignInNeeded) {
		log.Fatal("run tokentoss login")
	}
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	fmt.Println(res.Status)
}

// Only the services that are named may be sent the token.
func ExampleProfile_HTTPClient() {
	p, err := profile.Open(profile.Options{Dir: filepath.Join(os.TempDir(), "nowhere")})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	client, err := p.HTTPClient("https://my-service.run.app")
	if err != nil {
		log.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://elsewhere.example", nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Do(req)
	fmt.Println(err != nil)
	// Output: true
}
