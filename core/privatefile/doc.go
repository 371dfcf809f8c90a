// Package privatefile is the one rule for the files that tokentoss reads and
// writes. It knows three kinds, by who makes them:
//
//   - ours: sessions, keys that tokentoss makes, the files of its agent. Only the
//     user may read and write them: a regular file with one name, of the user, with
//     mode 0600 or less, and no link. [Read], [Create], [Replace], [SetAside].
//   - edited by a person: config.toml, plugins.lock. Who can write them can run
//     programs as the user, so nobody but the user and root may write the file or a
//     directory above it. They may be links, and are then written through the link.
//     [ReadEdited], [Edit].
//   - given by a platform: keys of service accounts, OAuth clients, identities,
//     certificates, passwords. Links are followed where every step belongs to root or
//     the user, as in secret volumes of Kubernetes. Nobody else may write them;
//     what root or a read-only mount gives may be readable by others. [ReadGiven],
//     [ReplaceGiven].
//
// Beside these, [ReplaceOutput], [OpenLog] and [CreateOutput] write files that a
// person named for the purpose, and never replace or remove what is not the user's.
//
// What is checked is the file that is open, or a path on which nobody else can
// exchange anything. Opening never waits for the other end of a named pipe.
//
// Windows has no modes. There, the owner and the access list are checked, and
// administrators and the system count as root.
//
// All errors are [*fault.Error]: a file that others could have read or written is
// [fault.Insecure], one that cannot be written is [fault.ReadOnly], and what is not a
// regular file is [fault.Corrupt] in the place of a file of ours and [fault.BadConfig]
// where a person named it. No remedy is to remove what a person was given.
package privatefile

// MaxSize is what a file may have, in bytes. Keys, settings and sessions have a few
// thousand; the bound keeps a damaged file from filling the memory.
const MaxSize = 1 << 20
