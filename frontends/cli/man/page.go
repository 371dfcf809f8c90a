package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

// A page is a man page that is being written, in the language of man(7).
type page struct{ strings.Builder }

// line writes a line that is roff already.
func (p *page) line(text string) { p.WriteString(text + "\n") }

// macro writes a request with its arguments.
func (p *page) macro(name string, arguments ...string) {
	p.WriteString("." + name)
	for _, a := range arguments {
		a = escape(a)
		if a == "" || strings.Contains(a, " ") {
			a = `"` + a + `"`
		}
		p.WriteString(" " + a)
	}
	p.WriteString("\n")
}

func (p *page) section(name string) { p.macro("SH", name) }

// item writes a term and what it is.
func (p *page) item(term, text string) {
	p.macro("TP")
	p.macro("B", term)
	p.line(sentence(escape(text)))
}

// synopsis writes how a command is called: literal words are lower case.
func (p *page) synopsis(usage string) {
	words := strings.Fields(escape(usage))
	for i, w := range words {
		if strings.ToLower(w) == w {
			words[i] = `\fB` + w + `\fP`
		} else {
			words[i] = placeholders.ReplaceAllString(w, `\fI$0\fP`)
		}
	}
	p.line(strings.Join(words, " "))
}

// placeholders are the words that stand for something; one may have a dash in it.
var placeholders = regexp.MustCompile(`[A-Z]+(\\-[A-Z]+)*`)

// row is a line of a list in a description: a term, and what it is.
var row = regexp.MustCompile(`^ +(\S+(?: \S+)*)  +(\S.*)$`)

// text writes a description of the tree. Its lines are one paragraph, but for those
// of a list.
func (p *page) text(description string) {
	listed := false
	for _, l := range strings.Split(description, "\n") {
		if m := row.FindStringSubmatch(l); m != nil {
			p.item(m[1], m[2])
			listed = true
			continue
		}
		if listed && l != "" {
			p.macro("PP")
			listed = false
		}
		if l != "" {
			p.line(escape(strings.TrimSpace(l)))
		}
	}
}

// example writes lines as they are.
func (p *page) example(lines string) {
	p.macro("EX")
	for _, l := range strings.Split(lines, "\n") {
		p.line(escape(l))
	}
	p.macro("EE")
}

// options writes what is known of options.
func (p *page) options(flags []cli.Flag) {
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		p.macro("TP")
		var names []string
		for _, name := range f.Names() {
			dashes := "--"
			if len(name) == 1 {
				dashes = "-"
			}
			names = append(names, `\fB`+escape(dashes+name)+`\fP`)
		}
		before, rest, _ := strings.Cut(d.GetUsage(), "`")
		kind, after, _ := strings.Cut(rest, "`")
		head := strings.Join(names, ", ")
		if d.TakesValue() && kind != "" {
			head += ` \fI` + escape(kind) + `\fP`
		}
		p.line(head)
		text := escape(before)
		if kind != "" {
			text += `\fI` + escape(kind) + `\fP` + escape(after)
		}
		p.line(sentence(text + notes(d)))
	}
}

// notes are what an option is by itself, and its variable.
func notes(d cli.DocGenerationFlag) string {
	var notes string
	if value := strings.Trim(d.GetDefaultText(), `"`); d.TakesValue() && value != "" && value != "[]" {
		notes += escape(" (by itself: " + value + ")")
	}
	if env := d.GetEnvVars(); len(env) > 0 {
		notes += ` \%[$` + strings.Join(env, `, \%$`) + "]"
	}
	return notes
}

// sentence ends a text of the tree, which has no end.
func sentence(text string) string {
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// escape makes roff of a text. A dash is one that can be copied.
func escape(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '"':
			b.WriteString(`\(dq`)
		case r == '\'':
			b.WriteString(`\(aq`)
		case r == '`':
			b.WriteString(`\(ga`)
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '~':
			b.WriteString(`\(ti`)
		case r == '.' && i == 0:
			b.WriteString(`\&.`)
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return variables.ReplaceAllString(b.String(), `$1\%$2`)
}

// variables are not to be hyphenated.
var variables = regexp.MustCompile(`(^|\s)(\$?TOKENTOSS_)`)
