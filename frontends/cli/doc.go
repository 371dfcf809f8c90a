// Package cli is the command line of tokentoss.
//
// Two executables share its command tree. The light one, tokentoss, answers what
// scripts repeat and links nothing heavy. The commands that need more are
// delegated, with the same arguments, to the other, tokentoss-host, which lies
// beside it.
//
// Standard output carries only what was asked for: a token, a body, JSON.
// Everything else is on standard error, in the style that messages.go sets.
package cli
