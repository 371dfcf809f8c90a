package guard_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/tokentoss/tokentoss/core/googleid/guard"
)

func Example() {
	g, err := guard.New(guard.Options{
		Audiences: []string{"/projects/104250000042/global/backendServices/1029384756473829"},
		Except:    []string{"/healthz"},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello", guard.From(r.Context()).Email)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", g.Handler(mux)))
}
