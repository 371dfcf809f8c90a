// Package widget has what a person sees of a sign-in in a browser: one anywidget
// front-end module, which notebooks and the local page show alike.
//
// It is plain JavaScript that a browser runs as it is. The module follows the
// specification at https://anywidget.dev/en/afm/: it exports initialize and render,
// and knows nothing of who carries its messages. They are those of package signin.
package widget

import _ "embed"

// Module is the front-end module. It is one file, without imports, since notebooks
// load it from a blob.
//
//go:embed widget.js
var Module string

// Style is the style sheet of the module.
//
//go:embed widget.css
var Style string

// Host is a module that shows a front-end module outside a notebook: createModel
// makes what anywidget calls a model of any carrier, and mount shows the module.
//
//go:embed host.js
var Host string
