// Command page writes docs/emulator-control.md: the operations of package control.
package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/control"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: page FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], []byte(page()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const pageHead = `# The emulator's control API

<!-- Made by go generate ./emulator/control. -->

` + "`tokentoss emulator --control`" + ` lets tests in any language do what the Go package does; see [emulator](emulator.md). Each operation is a
POST to ` + "`/v1/NAME`" + ` at the ` + "`control`" + ` address, with the header ` + "`Authorization: Bearer KEY`" + ` and a JSON object of its parameters, all of which may
be left out. The answer is ` + "`{\"result\": ...}`" + `, or ` + "`{\"error\": \"...\"}`" + ` with another status than 200.

Durations are strings such as ` + "`\"90s\"`" + `, times RFC 3339. Patches are JSON merge patches (RFC 7396): null removes.

| operation | does | parameters | result |
|---|---|---|---|
`

// page returns docs/emulator-control.md.
func page() string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, o := range control.Operations() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", o.Name, o.Does, fields(o.Parameters, ", "), resultName(o.Result))
	}
	b.WriteString("\n`endpoint` is one of ")
	for i, e := range emulator.Endpoints() {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "`%s`", string(e))
	}
	b.WriteString(".\n")
	for _, t := range []reflect.Type{
		reflect.TypeFor[control.Fault](), reflect.TypeFor[control.RelayFault](), reflect.TypeFor[control.Rule](), reflect.TypeFor[emulator.Account](),
		reflect.TypeFor[emulator.Client](), reflect.TypeFor[emulator.Request](), reflect.TypeFor[emulator.Provider](),
	} {
		fmt.Fprintf(&b, "\n**%s**: %s.\n", lowerName(t), fields(t, ", "))
	}
	b.WriteString("\n`go doc ./emulator` says what each is, by the names of Go: `set_fault` is `Emulator.SetFault`, `fault` is `Fault`.\n")
	return b.String()
}

func fields(t reflect.Type, between string) string {
	var all []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		all = append(all, fmt.Sprintf("`%s` %s", name, typeName(t.Field(i).Type)))
	}
	return strings.Join(all, between)
}

func resultName(t reflect.Type) string {
	if t == nil || t.Kind() == reflect.Interface {
		return ""
	}
	return typeName(t)
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[control.Duration]():
		return "duration"
	case reflect.TypeFor[time.Time]():
		return "time"
	case reflect.TypeFor[[]byte]():
		return "base64"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		return "[" + typeName(t.Elem()) + "]"
	case reflect.Struct:
		return lowerName(t)
	case reflect.Map:
		return "object"
	case reflect.Int, reflect.Int64:
		return "number"
	case reflect.Interface:
		return "any"
	case reflect.Bool:
		return "true or false"
	}
	return "string"
}

// lowerName makes "relay fault" of RelayFault.
func lowerName(t reflect.Type) string {
	return strings.ReplaceAll(strings.ToLower(t.Name()), "relayf", "relay f")
}
