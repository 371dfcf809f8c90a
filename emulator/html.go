package emulator

import (
	"html/template"
	"sync"
)

// The pages. They load nothing, and need no script.
var (
	consentPage = page(`Choose an account`, `
<p><strong class="id">{{.Client}}</strong> wants to:</p>
<ul>{{range .Scopes}}<li>{{.}}</li>{{end}}</ul>
{{with .UserCode}}<p>Go on only if your device shows <strong class="code">{{.}}</strong>.</p>{{end}}
<form method="post" action="{{.Action}}" aria-label="Choose an account">
<input type="hidden" name="page" value="{{.Page}}">
{{range $i, $a := .Accounts}}<button name="account" value="{{$a.Email}}"{{if not $i}} autofocus{{end}}>
<span class="name">{{$a.Name}}</span><span class="mail">{{$a.Email}}</span></button>
{{end}}<button name="decision" value="deny" class="plain">Deny</button>
</form>
{{with .Place}}<p class="small">Then your browser goes to {{.}}.</p>{{end}}`)

	devicePage = page(`Connect a device`, `
{{with .Problem}}<p role="alert" class="alert">{{.}}</p>{{end}}
<form method="post" action="{{.Action}}">
<label for="user_code">Enter the code that your device shows</label>
<input id="user_code" name="user_code" autocomplete="off" autocapitalize="characters" spellcheck="false" required autofocus>
<button class="main">Next</button>
</form>`)

	donePage = page(`{{if .Denied}}Access denied{{else}}Device connected{{end}}`, `
<p>{{if .Denied}}The device was told no.{{else}}You can go on with your device.{{end}} You may close this page.</p>`)

	errorPage = page(`Access blocked`, `
<p role="alert">{{.Text}}</p>
<p class="small">Error 400: <span id="code">{{.Code}}</span></p>`)
)

// page makes a page when it is first shown: the emulator is a part of an executable
// that starts often, and seldom for it.
func page(title, body string) func() *template.Template {
	return sync.OnceValue(func() *template.Template { return parsePage(title, body) })
}

func parsePage(title, body string) *template.Template {
	return template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>` + title + ` (emulator)</title>
<style nonce="{{.Nonce}}">` + pageStyle + `</style>
</head>
<body>
<main>
<p class="small">Emulated Google sign-in, for tests. No real account is involved.</p>
<h1>` + title + `</h1>` + body + `
</main>
</body>
</html>
`))
}

const pageStyle = `
:root { color-scheme: light dark; --line: light-dark(#c9ced6, #444b57); --soft: light-dark(#f3f5f8, #23272e);
  --ink: light-dark(#1d2129, #e8eaed); --dim: light-dark(#5a6270, #a3abb8); --accent: light-dark(#0b57d0, #a8c7fa); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; color: var(--ink);
  background: light-dark(#eef1f5, #16181c); font: 1rem/1.5 system-ui, sans-serif; }
main { width: min(28rem, 100%); padding: 2rem; border: 1px solid var(--line); border-radius: 1rem;
  background: light-dark(#fff, #1c1f24); }
h1 { margin: .25rem 0 1rem; font-size: 1.5rem; line-height: 1.25; font-weight: 500; }
ul { padding-left: 1.25rem; }
form { display: grid; gap: .5rem; }
button, input { font: inherit; color: inherit; padding: .65rem .9rem; border: 1px solid var(--line);
  border-radius: .6rem; background: transparent; text-align: left; }
button { cursor: pointer; }
button:hover { background: var(--soft); }
button:focus-visible, input:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button.plain, button.main { text-align: center; }
button.main { background: var(--accent); color: light-dark(#fff, #0b2a5c); border-color: transparent; }
.name, .mail { display: block; }
.mail, .small { color: var(--dim); font-size: .875rem; }
.id { overflow-wrap: anywhere; }
.code { letter-spacing: .08em; }
.alert { color: light-dark(#b3261e, #f2b8b5); }
`
