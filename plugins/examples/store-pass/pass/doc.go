// Package pass keeps the documents of a core.TokenStore in the password store of
// pass (https://www.passwordstore.org): one entry for each key, in a folder of
// their own, encrypted with GnuPG to whomever the folder's .gpg-id names.
//
// It runs the executables pass and gpg, as the person would. Documents go to them
// and come from them through pipes, never through arguments.
//
// # What pass does not do
//
// pass writes an entry by truncating its file and encrypting into it, so whoever
// reads at that moment, and whoever finds the file after pass was killed, has half
// an entry. And it knows no compare-and-swap. So Save encrypts to a hidden entry
// beside the real one and has pass move that over it, which is one step, and it
// does so while it holds a lock on a file in the folder that all processes with
// this store respect. A reader needs no lock. The person's own "pass edit" of an
// entry respects nothing: do not edit what a program keeps.
//
// gpg succeeds, with nothing, on a file that was cut within its first packet. So a
// document counts as read only when gpg says in its machine-readable status that
// it was decrypted.
//
// A password store that is a git repository gets two commits for each save, and
// keeps what was saved before. Give store_dir a directory that is none if that is
// not wanted.
package pass
