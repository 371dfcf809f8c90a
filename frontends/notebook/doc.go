// Package notebook is the frontend for notebooks. It shows nothing itself: the
// program that started it carries messages between it and the views, which are the
// widget of package widget. What it does with them is that of package engine.
//
// A program in Go that is the carrier itself needs no plugin: it calls
// [engine.Start] and [engine.Engine.Carry].
package notebook
