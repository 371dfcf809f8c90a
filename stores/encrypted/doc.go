// Package encrypted puts a layer of age encryption over a store, and has a
// complete store of it: encrypted files.
//
// [Wrap] takes any [core.TokenStore]. What that store keeps is an age file; its
// revisions, conflicts, locks and lists are as they were. Inside, before the
// document, stand the name of the store, the key and a generation, so that a file
// that was put in the place of another, or of a newer one, is noticed.
//
// [Open] keeps files in a directory, under the name tokens.age, beside what opens
// them. A [Config] says what that is:
//
//   - an age identity in a file that only its owner can read, which is made when
//     it is first needed. It protects copies of the tokens that travel without it,
//     such as those in a backup or on a shared disk, and not from somebody who can
//     read everything that the user can;
//   - that file, encrypted with a passphrase. The passphrase is asked for once,
//     when a session is first read; the recipient stands beside the file in clear,
//     so that writing needs no passphrase;
//   - an SSH key that the user has already, ed25519 or RSA, which may have a
//     passphrase too.
//
// A passphrase is slow to try by design. So it protects the identity and never
// the documents: what is asked once for a process costs half a second, and each
// reading after that a fraction of a millisecond.
package encrypted
