package emulator_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

func ExampleStart() {
	// The service that IAP guards in production.
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "Hello", r.Header.Get("X-Goog-Authenticated-User-Email"))
	}))
	defer service.Close()

	e, err := emulator.Start(context.Background(), emulator.Options{
		Upstream: service.URL,
		Accounts: []emulator.Account{{Email: "ada@example.com"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()

	req, _ := http.NewRequest("GET", e.IAPURL()+"/", nil)
	req.Header.Set("X-Requested-With", "XMLHttpRequest") // a 401 instead of the sign-in page
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, "from IAP:", resp.Header.Get("X-Goog-IAP-Generated-Response"))
	fmt.Println("calls:", e.Calls(emulator.IAP), "reached the service:", e.Calls(emulator.Upstream))
	// Output:
	// 401 from IAP: true
	// calls: 1 reached the service: 0
}

func ExampleEmulator_SetFault() {
	e, err := emulator.Start(context.Background(), emulator.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()

	// The next token request gets a 503 after 10 ms; the one after it works again.
	e.SetFault(emulator.Token, &emulator.Fault{
		Status: 503, Header: http.Header{"Retry-After": {"1"}}, Body: []byte("<h1>Sorry</h1>"),
		Delay: 10 * time.Millisecond, Times: 1,
	})
	for range 2 {
		resp, err := http.PostForm(e.GoogleURL()+"/token", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode)
	}
	// Output:
	// 503
	// 400
}
