// Package etcd keeps sessions in etcd, for a person who works on many machines:
// the servers of a JupyterHub, a fleet of build machines. All of them share one
// sign-in, and only one of them refreshes it at a time.
//
// In config.toml:
//
//	store = "etcd"
//
//	[stores.etcd]
//	endpoints = ["https://etcd-1.example.com:2379", "https://etcd-2.example.com:2379"]
//	username = "ada"
//	password_file = "~/.config/tokentoss/etcd-password"
//	identity = "~/.config/tokentoss/identity.age"
//
// # What etcd sees
//
// Documents are encrypted before they leave the machine, see package encrypted:
// etcd, its backups and its administrators have ciphertext, and see the names of
// profiles and when they are refreshed. All machines of a person have a copy of
// one identity file, which is the key. It is made by the first machine that saves
// a session.
//
// # Keys
//
// Everything of a person is below one prefix, which [Config].Prefix sets and
// which is /tokentoss/USERNAME when there is a user name:
//
//	/tokentoss/ada/sessions/KEY    the document of KEY, encrypted
//	/tokentoss/ada/saves/KEY       a random text that names the last save of it
//	/tokentoss/ada/locks/KEY/...   who has, and who waits for, the lock of KEY
//	/tokentoss/ada/damaged/KEY/... documents that were set aside
//
// An administrator gives each person a user and a role for that prefix, with the
// slash at its end, so that ada cannot reach what adam has:
//
//	etcdctl user add ada
//	etcdctl role add tokentoss-ada
//	etcdctl role grant-permission tokentoss-ada --prefix=true readwrite /tokentoss/ada/
//	etcdctl user grant-role ada tokentoss-ada
//	etcdctl auth enable
//
// # Sessions that nobody uses
//
// With [Config].UnusedAfter a document has a lease of its own, which each use renews, and
// is removed by etcd when that ends. A document that was saved before the setting has none
// until it is saved again. The setting is the same on all machines of a person: what is
// saved without it has no lease.
//
// # When machines or the network fail
//
// Save is a compare-and-swap of etcd: of all machines that save from one
// revision one succeeds, whatever fails. An answer that is lost is asked for
// again, so that a document that was stored is never reported as a failure, and
// none is stored twice. Where etcd cannot be had (no member reachable, no
// majority) every call ends by its deadline with [core.ErrUnavailable].
//
// Locks end with a lease: the lock of a machine that dies is free after
// [Config].LockTTL. A machine that lost its lock learns of it, and may still
// save. The revision of the document is the fencing token: once the next holder
// has saved, a save from before is refused with [core.ErrConflict]. A save by a
// machine without the lock is not refused for that reason alone. What it saves
// may be the only copy of a refresh token that the provider has just exchanged
// for the old one, and to refuse it would end the session for everybody.
//
// A cluster that is restored from a snapshot goes back in time: the session is
// then an older one. Restore with etcdctl's --bump-revision, as etcd asks for
// wherever clients remember revisions.
package etcd
