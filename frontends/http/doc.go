// Package http holds nothing itself. Its folders are what tokentoss serves over
// HTTP on this machine: a page to sign in on and a token API (package serve), and
// the authenticating proxy (package proxy).
package http
