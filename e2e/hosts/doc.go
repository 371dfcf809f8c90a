// Package hosts has no code: its tests sign people in where notebooks and apps are shown
// beside JupyterLab 4 and Notebook 7, which package e2e/jupyter has. The hosts are real
// ones, in the versions of requirements.txt, and so is the browser; the emulator is Google
// and IAP.
//
// TestMain makes the virtual environments once, below .cache, and the wheel of the Python
// package anew. A test takes a place (newPlace), starts a host there, and lets people come
// by (place.visits), each in a browser of their own. At the end, nothing of them is left
// behind, and no secret is in a file or a log.
//
// The table (hosts) is what docs/notebooks.md has. Tests that it does not name were not
// seen to pass as they are, and no target runs them.
package hosts
