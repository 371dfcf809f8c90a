// Package oidc is an OAuth client at its OpenID provider: what is known of the
// provider, and the requests of one client to it.
//
// [NewClient] makes a [Client] of what [ParseClientSecrets] read. The client makes
// the authorization URL, exchanges the code, refreshes, asks for device codes and
// revokes. Google is built in; other providers are discovered.
//
// Package authcode and package device sign a person in with it. A core.Session
// keeps what they obtain. Neither is needed to use this package.
//
// Requests go to https addresses only (loopback http behind an explicit setting),
// follow no redirect, end after [RequestTimeout], and are never made twice. Errors
// hold no part of an answer but its error codes.
package oidc
