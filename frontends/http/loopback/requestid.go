package loopback

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
)

// RequestIDHeader has the name by which the client, this server and whoever is behind it
// know a request.
const RequestIDHeader = "X-Request-Id"

// Identify returns the name of a request, which the answer gets, too: the client's, if it has
// one that is fit for a log and is not secret, or a new one.
func Identify(w http.ResponseWriter, r *http.Request, secret func(id string) bool) string {
	id := RequestID(r.Header)
	if id == "" || secret(id) {
		id = rand.Text()
	}
	w.Header()[RequestIDHeader] = []string{id}
	return id
}

// notIDs begin what a client sends by mistake in the place of an ID: tokens and secrets.
var notIDs = []string{"eyJ", "ya29.", "GOCSPX-", "AGE-SECRET-KEY-"}

// RequestID returns the client's name of a request, "" where there is none that is fit for
// a log.
func RequestID(h http.Header) string {
	ids := h[RequestIDHeader]
	other := func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	if len(ids) != 1 || len(ids[0]) > 128 || strings.ContainsFunc(ids[0], other) ||
		slices.ContainsFunc(notIDs, func(begin string) bool { return strings.HasPrefix(ids[0], begin) }) {
		return ""
	}
	return ids[0]
}
