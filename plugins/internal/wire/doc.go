// Package wire converts between the types of package core and the messages of
// plugins/proto. Messages are seen nowhere else: they are no part of any API.
package wire
