// Package host loads plugins: it finds, checks, starts and ends the processes
// that [github.com/tokentoss/tokentoss/plugins.Serve] runs in, and gives what they
// serve as a core.TokenStore or a core.Frontend.
//
// # What is executed
//
// A plugin is known by its name alone. A name is that of a plugin which this
// executable has itself, served by the executable's own second process, or it is
// in the lock file, plugins.lock in the configuration directory. There the path,
// the SHA-256, the version and the protocol are pinned. Nothing is looked for in
// PATH, and nothing is executed before it was found to be
//
//   - a regular file, no link, that belongs to the user or to root,
//   - which nobody else can write to, nor to any directory above it,
//   - with the SHA-256 of the lock file.
//
// # What a plugin gets
//
// Its environment is what a program of a person's needs (home, path, locale,
// runtime and bus addresses, proxies) and nothing else; see [Environment]. It has
// no standard input. It is in a process group of its own, which is ended as a
// whole.
//
// # What a plugin can do to its host
//
// Be slow, or fail: every call has a deadline, and a process that has ended is an
// error that wraps core.ErrUnavailable. What it prints goes through a reader that
// bounds lines, their number, and takes out what looks like a secret. When the host
// ends, its plugins end within a second or two, however it ends.
package host
