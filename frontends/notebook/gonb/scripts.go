package gonb

import (
	_ "embed"
	"encoding/json"

	"github.com/tokentoss/tokentoss/frontends/signin"
	"github.com/tokentoss/tokentoss/frontends/signin/widget"
)

// What the browser runs. Each is a function of one object.
var (
	//go:embed cell.js
	cellScript string
	//go:embed link.js
	linkScript string
	//go:embed prompt.js
	promptScript string
)

// widgetScript shows the widget in the element id, with the channel's address for its
// messages. There is nothing secret in it.
func widgetScript(id, address string) string {
	return call(cellScript, map[string]any{
		"id": id, "address": address, "widget": widget.Module, "host": widget.Host, "style": widget.Style,
		"lost": lostAfter.Milliseconds(),
	})
}

// linkTo shows a link in the element id. The address has the state of the sign-in in
// it.
func linkTo(id string, a signin.Armed) string {
	return call(linkScript, map[string]any{"id": id, "url": a.AuthURL, "code": a.Code})
}

// answerPrompt answers the prompt of the cell whose output has the element id.
func answerPrompt(id string) string { return call(promptScript, map[string]any{"id": id}) }

// call calls a script's function. The argument has no < in it, since JSON is written
// so by package json; nothing in it ends the script element.
func call(script string, argument map[string]any) string {
	data, err := json.Marshal(argument)
	if err != nil {
		panic(err) // texts and numbers can be encoded
	}
	function := script
	return "(" + function + ")(" + string(data) + ")"
}
