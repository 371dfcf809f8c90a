// Package clients has the table of the programs and libraries that reach services behind
// IAP with tokentoss, each row of which a test shows. The page docs/clients.md is made of it.
package clients

//go:generate go run ./page ../..

import (
	"cmp"
	"slices"
	"strings"
)

// A Row is a client and one way for it to get in.
type Row struct {
	Client  string   // its name, as its own documentation writes it
	Version string   // the one that was tested; "pypi NAME", "npm NAME" or "go MODULE" is the one that is pinned
	Way     Way      // what of tokentoss it uses
	Type    []string // what a person types or writes, a line each

	// What a Way says of all its clients, where this one differs.
	Expiry  string // what happens when a token expires
	Longest string // the longest run
	Token   string // where the token is

	Limits string // what does not work, or is to be known
	Test   string // FILE#NAME: the test that shows it, FILE from the root of the repository
}

// A Way is what of tokentoss a client uses.
type Way struct {
	Name                   string
	Expiry, Longest, Token string
}

// The ways, in the order in which to try them.
var (
	Run = Way{
		Name:    "[run](run.md)",
		Expiry:  "the next request has a new one",
		Longest: "no limit",
		Token:   "with tokentoss alone",
	}
	Helper = Way{
		Name:    "[helper](helpers.md)",
		Expiry:  "the client asks again",
		Longest: "no limit",
		Token:   "in the client's memory",
	}
	Python = Way{
		Name:    "[Python](python.md)",
		Expiry:  "the next request has a new one",
		Longest: "no limit",
		Token:   "in the process's memory",
	}
	Proxy = Way{
		Name:    "[proxy](proxy.md)",
		Expiry:  "the next request has a new one",
		Longest: "no limit",
		Token:   "with tokentoss alone; the client has the proxy's secret",
	}
	Metadata = Way{
		Name:    "[metadata server](helpers.md#googles-client-libraries-a-metadata-server)",
		Expiry:  "the library asks again",
		Longest: "no limit",
		Token:   "in the process's memory",
	}
	Once = Way{
		Name:    "a token, once",
		Expiry:  "requests are refused",
		Longest: "1 hour",
		Token:   "where you put it",
	}
)

// Table returns all rows in the order of their clients' names, and for a client in the order of its ways
// in the table. What a row does not say is what its way says.
func Table() []Row {
	rows := slices.Concat(unchanged, otherwise, commands, helpers, credentials, mcp, grpc, python, proxied)
	for i := range rows {
		r := &rows[i]
		r.Expiry, r.Longest, r.Token = cmp.Or(r.Expiry, r.Way.Expiry), cmp.Or(r.Longest, r.Way.Longest), cmp.Or(r.Token, r.Way.Token)
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(strings.ToLower(a.Client), strings.ToLower(b.Client)) })
	return rows
}
