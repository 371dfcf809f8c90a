package authcode

import (
	"errors"
	"html"
	"net/http"
	"strings"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// A page is what a browser shows. It loads nothing, and holds nothing that came
// with the request: unknown codes are not shown.
type page struct {
	Title, Text, Next string
	Good              bool
}

// explain says an error code of an authorization response in words (RFC 6749
// section 4.1.2.1, OpenID Connect Core section 3.1.2.6, and Google's). A code
// that is not known gives "": what came with the request is never shown.
func explain(code string) string {
	switch code {
	case "access_denied":
		return "you, or your organisation, said no"
	case "admin_policy_enforced":
		return "your administrator does not allow this application"
	case "org_internal":
		return "this application is for another organisation"
	case "disallowed_useragent":
		return "the provider does not accept this browser"
	case "redirect_uri_mismatch":
		return "the OAuth client is not of the type Desktop app"
	case "invalid_client":
		return "the OAuth client is not known"
	case "deleted_client":
		return "the OAuth client was deleted"
	case "unauthorized_client":
		return "the OAuth client may not do this"
	case "invalid_request":
		return "the provider did not understand the request"
	case "invalid_scope":
		return "the provider does not know a scope"
	case "server_error":
		return "the provider had an error"
	case "temporarily_unavailable":
		return "the provider is overloaded"
	case "interaction_required":
		return "the provider wants to ask you something"
	case "login_required":
		return "the provider wants you to sign in"
	case "unsupported_response_type":
		return "the provider does not know this flow"
	}
	return ""
}

var (
	pageWrongHost     = page{Title: "Wrong address", Text: "This address is not served here."}
	pageNotFound      = page{Title: "Not found", Text: "There is nothing at this address."}
	pageMethod        = page{Title: "Not that way", Text: "Only a browser's navigation is answered here."}
	pageNotNavigation = page{Title: "Not that way", Text: "Only a browser's navigation is answered here."}
	pageOtherUser     = page{Title: "Not you", Text: "This sign-in is another user's of this machine, or the connection was closed.", Next: "It is still waiting for the browser of that user."}
	pageCopy          = page{Title: "One more step", Text: "Copy the address of this page from the address bar into the terminal, or wherever the program asks for it.", Next: "The browser's connection came from another system, so that the program cannot see that it is yours. Show the address to nobody."}
	pageMoved         = page{Title: "One moment", Text: "Signing in …"}
	pageUsed          = page{Title: "Already done", Text: "This sign-in was already answered.", Next: "You can close this window."}
	pageNotYet        = page{Title: "Not yet", Text: "Nobody has signed in yet.", Next: "The sign-in is still waiting."}
)

// failedPage says what went wrong in words of our own.
func failedPage(err error) page {
	p := page{Title: "Not signed in", Text: "The sign-in failed.", Next: "The program that asked for it says more. You can close this window."}
	var denied *DeniedError
	var clock *oidc.ClockError
	switch {
	case errors.As(err, &denied):
		p.Text = upperFirst(denied.Error()) + "."
	case errors.As(err, &clock):
		p.Text = "The clock of this machine is wrong."
	}
	return p
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

const layout = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} – tokentoss</title>
<style>
:root{color-scheme:light dark}
body{font:1.1rem/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center}
main{max-width:32rem;padding:2rem;text-align:center}
h1{font-size:1.6rem}
.mark{font-size:3rem;line-height:1}
</style></head><body><main>
<div class="mark" aria-hidden="true">{mark}</div>
<h1>{title}</h1><p>{text}</p><p>{next}</p>
</main></body></html>
`

func writePage(w http.ResponseWriter, status int, p page) {
	mark := ""
	if p.Good {
		mark = "✓"
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// All fields stand in text, where EscapeString is enough. html/template would
	// be a megabyte in every program that signs in.
	_, _ = strings.NewReplacer(
		"{mark}", mark,
		"{title}", html.EscapeString(p.Title),
		"{text}", html.EscapeString(p.Text),
		"{next}", html.EscapeString(p.Next),
	).WriteString(w, layout) // an error here is the browser's connection
}
