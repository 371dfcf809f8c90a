// Package encrypted puts a layer of age encryption over a store, and has a
// complete store of it: encrypted files.
//
// [Wrap] takes any [core.TokenStore]. What that store keeps is an age file, and before
// it a line that binds it to the private key: a MAC (HMAC-SHA256) of the age file, the
// name of the store, the key of the document and its generation. Anybody can encrypt for
// a public key; with the MAC it is known that who wrote the document has the private
// one. So a document that somebody put there, or put in the place of another, is
// refused, and one that was put in the place of a newer one is noticed while the process
// lives. Revisions, conflicts, locks and lists are the inner store's.
//
// [Open] keeps files in a directory, under the name tokens.age, beside what opens
// them. A [Config] says what that is:
//
//   - an age identity in a file that only its owner can read, which is made when
//     it is first needed. It protects copies of the tokens that travel without it,
//     such as those in a backup or on a shared disk, and not from somebody who can
//     read everything that the user can;
//   - that file, encrypted with a passphrase. The passphrase is asked for once,
//     when a session is first read or saved;
//   - an SSH key that the user has already, ed25519 or RSA, which may have a
//     passphrase too.
//
// The private part must be readable: identities of age plugins, FIDO keys (sk-) and keys
// in an agent are refused.
//
// A passphrase is slow to try by design. So it protects the identity and never
// the documents: what is asked once for a process costs half a second, and each
// reading after that a fraction of a millisecond.
package encrypted
