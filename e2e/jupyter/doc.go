// Package jupyter has no code: its tests sign people in in JupyterLab and Notebook, in
// a real browser, with real kernels, and with the emulator as Google and IAP.
//
// TestMain makes a virtual environment from requirements.txt, and the wheel of the
// Python package in it. A test then takes a server (startServer) and a browser, which
// its parts share, and for each part a desk (newDesk): a provider, a configuration
// directory, and a kernel whose environment names them. desk.open writes a notebook of
// some cells and shows it in an application; the page that it returns runs cells, reads
// their outputs, presses what is in them, saves, restarts and reloads.
//
// A desk ends its kernels, and fails when a process of theirs is left. What the desk's
// secrets.wantNone looks into, at the end of a test, is everything that Jupyter keeps:
// notebooks with outputs and the state of widgets, checkpoints, histories and logs.
//
// A kernel for another language is made known by server.kernel and opened by
// desk.openWith.
package jupyter
