// Package postgres keeps sessions in a PostgreSQL database, for a person who works on
// many machines: the servers of a JupyterHub, which often has such a database. All of
// them share one sign-in, and only one of them refreshes it at a time.
//
// In config.toml:
//
//	store = "postgres"
//
//	[stores.postgres]
//	url = "postgres://ada@db.example.com/tokentoss"
//	password = {file = "~/.config/tokentoss/postgres-password"}
//	identity = "~/.config/tokentoss/identity.age"
//
// # What the database sees
//
// Documents are encrypted before they leave the machine, see package encrypted: the
// database, its backups and its administrators have ciphertext, and see the names of
// profiles and when they are refreshed. All machines of a person have a copy of one
// identity file, which is the key. It is made by the first machine that saves a
// session.
//
// # Tables
//
// There are two, which the first save makes if it may:
//
//	tokentoss_sessions (owner, key, data, save)             a document, and the name of its last save
//	tokentoss_locks    (owner, key, holder, fence, expires) who has the lock of a document, until when
//
// All people may share them: [Config].Owner, the database user if it is not set, is a
// part of each key. To keep people from each other's rows, an administrator makes the
// tables and lets each see their own:
//
//	ALTER TABLE tokentoss_sessions ENABLE ROW LEVEL SECURITY;
//	CREATE POLICY own ON tokentoss_sessions USING (owner = current_user);
//	ALTER TABLE tokentoss_locks ENABLE ROW LEVEL SECURITY;
//	CREATE POLICY own ON tokentoss_locks USING (owner = current_user);
//	GRANT SELECT, INSERT, UPDATE, DELETE ON tokentoss_sessions, tokentoss_locks TO PUBLIC;
//
// # Sessions that nobody uses
//
// With [Config].UnusedAfter a session has a time at which it is removed, which each use
// puts off. The first process with the setting makes what that needs, if it may:
//
//	ALTER TABLE tokentoss_sessions ADD COLUMN IF NOT EXISTS used_at timestamptz, ADD COLUMN IF NOT EXISTS expires timestamptz;
//	CREATE INDEX IF NOT EXISTS tokentoss_sessions_unused ON tokentoss_sessions (expires) WHERE saved_at <= used_at;
//
// Sessions that were there before, and that nobody uses any more, get a time by
//
//	UPDATE tokentoss_sessions SET used_at = now(), expires = now() + interval '90 days' WHERE expires IS NULL;
//
// Whoever saves removes a hundred sessions whose time is over, at most once a minute, and
// passes over those that somebody has locked. Where each may see their own rows alone,
// nobody removes those of people who have left; then an administrator does:
//
//	DELETE FROM tokentoss_sessions WHERE expires < now() AND saved_at <= used_at;
//
// # When machines or the network fail
//
// Save is a compare-and-swap of one row: of all machines that save from one revision
// one succeeds. A save whose answer was lost is asked for again, by its name, so that
// a document that was stored is not reported as a failure. Where the database cannot
// be reached every call ends by its deadline with [core.ErrUnavailable].
//
// A lock is a row with a time of expiry, by the database's clock, and no session lock
// of PostgreSQL: it outlives connections, and works behind poolers such as PgBouncer in
// any mode. Statements are prepared once a process has made some calls, and no more when a
// pooler turns out to hand them to other connections. The lock of a machine that dies is
// free after [Config].LockTTL. A machine
// that lost its lock learns of it; what keeps it from doing harm is the revision that
// Save compares. Each holder has a higher fence than the one before.
package postgres
