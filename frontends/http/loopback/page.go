package loopback

import (
	"html"
	"net/http"
	"strings"
)

// Protect sets the headers that every answer of a server itself has: nobody stores,
// frames or sniffs it, it loads nothing, and no other origin reads it.
func Protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// A Page is what a browser shows. It loads nothing.
type Page struct {
	Title, Text, Next string
	Links             []string // addresses here
	Refresh           string   // address here to go on to, without the person
}

const layout = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">{refresh}
<title>{title} – tokentoss</title>
<style>
:root{color-scheme:light dark}
body{font:1.1rem/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center}
main{max-width:36rem;padding:2rem;overflow-wrap:anywhere}
h1{font-size:1.6rem}
</style></head><body><main>
<h1>{title}</h1><p>{text}</p><p>{next}</p>{links}
</main></body></html>
`

// HTML returns the page as text.
func (p Page) HTML() string {
	var links strings.Builder
	for _, l := range p.Links {
		at := html.EscapeString(l)
		links.WriteString("\n<p><a href=\"" + at + "\">" + at + "</a></p>")
	}
	refresh := ""
	if p.Refresh != "" {
		refresh = "\n<meta http-equiv=\"refresh\" content=\"0;url=" + html.EscapeString(p.Refresh) + "\">"
	}
	// All fields stand in text or in a quoted attribute, where EscapeString is
	// enough.
	return strings.NewReplacer(
		"{refresh}", refresh,
		"{title}", html.EscapeString(p.Title),
		"{text}", html.EscapeString(p.Text),
		"{next}", html.EscapeString(p.Next),
		"{links}", links.String(),
	).Replace(layout)
}

// Write answers with the page.
func (p Page) Write(w http.ResponseWriter, r *http.Request, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(p.HTML())) // an error here is the browser's connection
	}
}
