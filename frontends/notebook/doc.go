// Package notebook holds nothing itself. Its folders are the widget with which a
// person signs in from a notebook or a page (package widget), and what is behind
// it (package engine).
package notebook
