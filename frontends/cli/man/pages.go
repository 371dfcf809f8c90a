package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// pages returns the text of each page by its name.
func pages(app *cli.App, version, date string) map[string]string {
	head := func(p *page, name, about string) {
		source := strings.TrimSpace(app.Name + " " + strings.TrimPrefix(version, "v"))
		p.line(`.TH "` + escape(strings.ToUpper(name)) + `" 1 "` + date + `" "` + escape(source) + `" "User Commands"`)
		p.section("NAME")
		p.line(escape(name) + ` \- ` + escape(about))
	}
	all := map[string]string{app.Name: mainPage(app, head)}
	for _, c := range visible(app) {
		name := app.Name + "-" + c.Name
		var p page
		head(&p, name, c.Usage)
		commandPage(&p, app, c)
		all[name] = p.String()
	}
	return all
}

// visible are the commands that are for people.
func visible(app *cli.App) []*cli.Command {
	return slices.DeleteFunc(slices.Clone(app.Commands), func(c *cli.Command) bool { return c.Hidden })
}

// mainPage is the one that leads to the others.
func mainPage(app *cli.App, head func(p *page, name, about string)) string {
	var p page
	head(&p, app.Name, app.Usage)
	p.section("SYNOPSIS")
	p.synopsis(app.UsageText)
	p.section("DESCRIPTION")
	p.text(about)
	p.section("COMMANDS")
	var categories []string
	for _, c := range visible(app) {
		if !slices.Contains(categories, c.Category) {
			categories = append(categories, c.Category)
		}
	}
	for _, category := range categories {
		p.macro("SS", category)
		for _, c := range visible(app) {
			if c.Category == category {
				p.macro("TP")
				p.macro("BR", app.Name+"-"+c.Name, "(1)")
				p.line(escape(c.Usage))
			}
		}
	}
	p.section("OPTIONS")
	p.text("These may stand anywhere on the command line.")
	p.options(app.Flags)
	p.section("ENVIRONMENT")
	p.text("Every option that is a setting has a variable, which its page names; the option counts more. An empty variable is none. Beside them:")
	for _, e := range environment {
		p.item(e[0], e[1])
	}
	p.section("FILES")
	for _, f := range files {
		p.item(f[0], f[1])
	}
	p.section("EXIT STATUS")
	for _, s := range exitStatus {
		p.item(s[0], s[1])
	}
	p.section("EXAMPLES")
	p.example(examples)
	p.section("SEE ALSO")
	p.macro("BR", "curl", "(1);")
	p.line(escape("the documentation is at https://github.com/tokentoss/tokentoss."))
	return p.String()
}

// commandPage is about one command, and those below it.
func commandPage(p *page, app *cli.App, c *cli.Command) {
	p.section("SYNOPSIS")
	p.synopsis(c.UsageText)
	if c.Description != "" {
		p.section("DESCRIPTION")
		p.text(c.Description)
	}
	if len(c.Subcommands) > 0 {
		p.section("COMMANDS")
		for _, below := range c.Subcommands {
			p.macro("SS", strings.TrimPrefix(below.UsageText, app.Name+" "))
			p.line(sentence(escape(below.Usage)))
			if below.Description != "" {
				p.macro("PP")
				p.text(below.Description)
			}
			p.options(below.Flags)
		}
	}
	if len(c.Flags) > 0 {
		p.section("OPTIONS")
		p.options(c.Flags)
	}
	p.section("SEE ALSO")
	p.macro("BR", app.Name, "(1),")
	p.line("which has the options of all commands.")
}

const about = `Sign in with Google once; notebooks, shells and programs then reach services behind Google's Identity-Aware Proxy,
with a token that is refreshed when it has to be and kept in the store that you choose.`

// Tables that are not in the tree.
var (
	environment = [][2]string{
		{"TOKENTOSS_TOKEN_FILE", "the session's file, in place of tokens.json"},
		{"TOKENTOSS_AGENT_IDLE", "how long stores that are plugins are kept open, such as 15m; 0 is never"},
		{"TOKENTOSS_INSECURE_LOOPBACK", "1 allows a provider and services on this machine over plain http, for the emulator"},
	}
	files = [][2]string{
		{"~/.config/tokentoss", "the directory of all that follows, if TOKENTOSS_CONFIG_DIR names no other; on macOS it is ~/Library/Application Support/tokentoss"},
		{"config.toml", "settings, also those of each profile"},
		{"client_secrets.json", "the OAuth client, as Google's console exports it"},
		{"tokens.json", "the session, in the file store"},
		{"profiles/NAME/", "client and session of another profile"},
	}
	exitStatus = [][2]string{
		{"0", "done"},
		{"1", "failed; also when a service answered 400 or more"},
		{"2", "the command line cannot be right"},
		{"3", "sign-in needed"},
		{"4", "refused by IAP"},
		{"other", "the status of a command that curl or exec ran"},
	}
)

const examples = `tokentoss configure --from client_secrets.json
tokentoss login
tokentoss get https://my-service.example/
curl -H "$(tokentoss token --format header)" https://my-service.example/`
