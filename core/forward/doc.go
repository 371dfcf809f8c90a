// Package forward lends a session to another machine for as long as a connection to
// it stands, as ssh-agent lends keys: programs there get ID tokens over a socket, and
// nothing else of the session, neither its refresh token nor the OAuth client's
// secret. They cannot sign in, sign out or configure.
//
// [Serve] answers on the side of the person, [Find] looks for a socket on the other
// side, and [Client.Flow] makes it a source of tokens for a [core.Session].
//
// # What is lent
//
// An ID token is for an OAuth client, not for a service: who has one can use it until
// it expires at every service that admits the client. The targets that are named when
// lending begins bind programs of tokentoss on the other side, and no others. Each
// request names the program and the host that ask; both are what the other side says
// of itself. Whoever is root there can use the socket while it stands.
//
// Where that is too much, no token is given: with [Options.Open] requests to the targets
// are made on the side of the person, and [Client.Requests] has them made.
//
// # The protocol
//
// Each side sends JSON objects, one a line, of at most 64 KiB. The first message of a
// connection is the server's [Hello]. A request is {"program": NAME, "host": NAME},
// and its answer {"id_token": TOKEN} or {"kind": KIND, "problem": TEXT}, the kinds being
// those of package fault. Where requests are made, a request has also {"target": "HOST:PORT"},
// and what follows its answer {"open": true} is HTTP/1.1, or HTTP/2 by prior knowledge.
// Both sides ignore fields that they do not know.
package forward
