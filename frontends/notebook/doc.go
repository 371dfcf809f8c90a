// Package notebook is the frontend for notebooks. It shows nothing itself: the
// program that started it carries messages between it and the views, which are the
// widget of package widget. What it does with them is that of package signin.
//
// A program in Go that is the carrier itself needs no plugin: it calls
// [signin.Start] and [signin.Controller.Carry].
package notebook
