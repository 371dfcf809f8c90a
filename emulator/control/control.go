// Package control offers over HTTP what an emulator's methods do, to tests that are not written in Go.
//
// Every operation is a POST to /v1/NAME with a JSON object of its parameters, and is called like the method of
// [emulator.Emulator] that it is: SetFault is set_fault. The answer is {"result": ...}, or {"error": "..."} with another status
// than 200: 400 for bad parameters and for what the method refuses, 401 without the key, 404 for an unknown operation, 405
// for another method than POST. Durations are such as "1.5s", times are RFC 3339, files are text.
//
// What is a function in Go is data here: rules in place of an [emulator.IAPPolicy], and JSON merge patches (RFC 7396) of tokens
// and answers.
package control

//go:generate go run ./page ../../docs/emulator-control.md

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/tokentoss/tokentoss/emulator"
)

// maxBody bounds the parameters of an operation.
const maxBody = 1 << 20

// An Operation is what the API can do.
type Operation struct {
	Name   string // in the path
	Method string // of [emulator.Emulator]
	Does   string // a sentence without its end
	// Parameters is a struct with the parameters, and Result the type of what comes back; nil for nothing.
	Parameters, Result reflect.Type

	call func(ctx context.Context, e *emulator.Emulator, body []byte) (any, error)
}

// none are the parameters of an operation without.
type none struct{}

// operation makes an Operation of a function that takes its parameters as a struct.
func operation[In, Out any](method, does string, f func(context.Context, *emulator.Emulator, In) (Out, error)) Operation {
	o := Operation{Name: nameOf(method), Method: method, Does: does, Parameters: reflect.TypeFor[In](), Result: reflect.TypeFor[Out]()}
	o.call = func(ctx context.Context, e *emulator.Emulator, body []byte) (any, error) {
		var in In
		if err := unmarshal(body, &in); err != nil {
			return nil, err
		}
		return f(ctx, e, in)
	}
	return o
}

// change is operation for what has no result.
func change[In any](method, does string, f func(*emulator.Emulator, In) error) Operation {
	o := operation(method, does, func(_ context.Context, e *emulator.Emulator, in In) (any, error) { return nil, f(e, in) })
	o.Result = nil
	return o
}

// read is operation for what has no parameters and does not fail.
func read[Out any](method, does string, f func(*emulator.Emulator) Out) Operation {
	return operation(method, does, func(_ context.Context, e *emulator.Emulator, _ none) (Out, error) { return f(e), nil })
}

// nameOf makes set_iap_policy of SetIAPPolicy.
func nameOf(method string) string {
	method = strings.NewReplacer("HMAC", "Hmac", "IAP", "Iap", "URL", "Url", "ID", "Id", "CA", "Ca").Replace(method)
	var b strings.Builder
	for i, r := range method {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// unmarshal reads a JSON object, or nothing, which is {}. A name that is not known is an error.
func unmarshal(body []byte, v any) error {
	if len(body) == 0 {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("the parameters are not what is expected: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is text after the JSON of the parameters")
	}
	return nil
}

// Handler serves the API of e to whoever has the key, as "Authorization: Bearer KEY".
func Handler(e *emulator.Emulator, key string) http.Handler {
	operations := Operations()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || key == "" || subtle.ConstantTimeCompare([]byte(given), []byte(key)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, http.StatusUnauthorized, errors.New("the request does not have the key of this emulator's control API: Authorization: Bearer KEY"))
			return
		}
		name, _ := strings.CutPrefix(r.URL.Path, "/v1/")
		i := slices.IndexFunc(operations, func(o Operation) bool { return o.Name == name })
		if i < 0 {
			fail(w, http.StatusNotFound, fmt.Errorf("%s is not an operation: POST to /v1/ and one of %s", r.URL.Path, names(operations)))
			return
		}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			fail(w, http.StatusMethodNotAllowed, fmt.Errorf("%s wants POST", r.URL.Path))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			fail(w, http.StatusBadRequest, errors.New("the parameters are too long, or were cut short"))
			return
		}
		result, err := operations[i].call(r.Context(), e, body)
		if err != nil {
			fail(w, http.StatusBadRequest, err)
			return
		}
		answer(w, http.StatusOK, map[string]any{"result": result})
	})
}

func names(operations []Operation) string {
	var names []string
	for _, o := range operations {
		names = append(names, o.Name)
	}
	return strings.Join(names, ", ")
}

func fail(w http.ResponseWriter, status int, err error) {
	answer(w, status, map[string]any{"error": strings.TrimPrefix(err.Error(), "emulator: ")})
}

func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer is not JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
