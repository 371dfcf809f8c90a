// Package doctor finds out why a request to a service behind Identity-Aware Proxy
// fails, and what to do about it.
//
// [Examine] makes the checks in the order in which a request needs what they
// check: configuration, store, provider, clock, session, and, of a service,
// address, network, IAP, token and access. Each gives a [Result]. What can be the
// matter is a table, [Diagnoses]; the page docs/troubleshooting.md is made from it.
//
// The token goes to nobody but a service that IAP answers for, found out without
// it. Nothing here signs in or opens a browser, and no finding shows a secret.
package doctor

//go:generate go run ./troubleshooting ../../../docs/troubleshooting.md
