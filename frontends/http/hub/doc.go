// Package hub is the service of a JupyterHub by which its users sign in without pasting
// an address: see package [github.com/tokentoss/tokentoss/core/jupyterhub] for the other
// side, which runs in their kernels.
//
// The service has the hub's one OAuth client, of the type web, and its secret. It trusts
// neither browsers nor kernels, and asks the hub who each of them is: a kernel by the
// API token of its server, a browser by the hub's own OAuth. Both need the scope
// access:services!service=tokentoss.
//
// A kernel announces the hash of a state. The redirect with that state is accepted once,
// and only from the browser of the same user; its code waits a minute for that kernel,
// which must know the state and, at the provider, the PKCE verifier. Token requests of
// kernels get the client's secret here; of codes only those are taken that the same user
// was given, and refresh tokens leave the service sealed for their user. Nothing is
// stored: a service that is started anew has forgotten the sign-ins that were under way,
// and no session.
package hub
