// Command troubleshooting writes docs/troubleshooting.md: a page of the diagnoses that
// the doctor knows.
package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/frontends/cli/doctor"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: troubleshooting FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], page(doctor.Diagnoses()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const head = `# Troubleshooting

<!-- Made from the doctor's diagnoses by "make docs". -->

` + "```console\n$ tokentoss doctor https://my-service.run.app/path\n```" + `

checks what could be wrong, and prints one line for each check. Under a check that failed it says what was
` + "`seen`, `why` that may be, and what to `do`" + `, with the commands, the names filled in. Words in capitals are yours to replace.

Without a URL it checks this machine only. It never signs in and never opens a browser; it may refresh a token that has expired, as every command does.
The token is sent to nobody but a service that IAP answers for, or one that, for a provider other than Google, sends people to the profile's own. Nothing that is printed is secret; a URL is shown without its query.

| exit code | meaning |
|---|---|
| 0 | all is well; there may be warnings |
| 1 | something here, on the way or in the service is not as it must be |
| 3 | sign-in needed |
| 4 | refused by IAP |

It is that of the first failure. With ` + "`--json`" + ` the report is an object; fields may be added, and these stay:

` + "```json" + `
{
  "ok": false, "exit_code": 4, "profile": "default", "url": "https://my-service.run.app/path",
  "checks": [{
    "check": "access", "level": "fail", "case": "no-role",
    "text": "what is the matter", "seen": "what others said", "cause": "why that may be",
    "do": ["what to do, the likeliest first"], "commands": ["for a shell, in their order"],
    "facts": {"email": "ada@example.com", "host": "my-service.run.app"}
  }]
}
` + "```" + `

` + "`level` is `ok`, `warn` or `fail`; `case` is one of the headings below, and not there if all is well; `facts` are what was filled in." + `
`

// titles are those of the checks, in their order.
func titles() []struct {
	check doctor.Check
	title string
} {
	return []struct {
		check doctor.Check
		title string
	}{
		{doctor.Configuration, "Configuration"}, {doctor.Store, "Where the session is kept"}, {doctor.Provider, "The provider"},
		{doctor.Clock, "The clock"}, {doctor.Session, "The session"}, {doctor.Address, "The address"},
		{doctor.Network, "The way to the service, or to the provider"}, {doctor.IAP, "In front of the service"},
		{doctor.Token, "IAP and the token"}, {doctor.Access, "The person and the service"},
		{doctor.Tunnel, "TCP forwarding"},
	}
}

// general are the facts of a case that is nobody's in particular.
func general() doctor.Facts {
	const flags = "--project=PROJECT --resource-type=RESOURCE_TYPE --service=SERVICE"
	codes := "As far as is known:\n\n| code | meaning |\n|---|---|"
	for _, c := range doctor.ErrorCodes() {
		codes += fmt.Sprintf("\n| %d | %s |", c.Code, c.Meaning)
	}
	return doctor.Facts{"settings_flags": flags, "web_flags": flags, "member": "user:EMAIL", "offset": "ten minutes",
		"other": "behind the provider's", "meaning": codes}
}

// page renders the cases.
func page(cases []doctor.Diagnosis) []byte {
	var w bytes.Buffer
	w.WriteString(head)
	for _, t := range titles() {
		fmt.Fprintf(&w, "\n## %s\n", t.title)
		for _, c := range cases {
			if c.Check == t.check {
				section(&w, c)
			}
		}
	}
	w.WriteString("\nRESOURCE_TYPE is `cloud-run` (then with `--region=REGION`) or `app-engine`; for a backend service of a load balancer it is `compute` " +
		"for `settings` and `backend-services` for `web`. The doctor tells from the host, where it can.\n")
	return w.Bytes()
}

func section(w *bytes.Buffer, c doctor.Diagnosis) {
	facts := general()
	fmt.Fprintf(w, "\n### %s\n\n", c.Code)
	title := facts.Expand(c.Title)
	if c.Level == doctor.Warn {
		title = "Warning: " + title
	}
	fmt.Fprintf(w, "**%s.** %s\n\n", strings.ToUpper(title[:1])+title[1:], facts.Expand(c.Cause))
	for _, text := range c.Do {
		fmt.Fprintf(w, "- %s\n", facts.Expand(text))
	}
	if len(c.Commands) == 0 {
		return
	}
	commands := slices.Clone(c.Commands)
	for i := range commands {
		commands[i] = "$ " + facts.ExpandCommand(commands[i])
	}
	fmt.Fprintf(w, "\n```console\n%s\n```\n", strings.Join(commands, "\n"))
}
