// Package gonb signs people in from a cell of a Go notebook that GoNB runs
// (https://github.com/janpfeifer/gonb), and gives them a client for services behind
// Identity-Aware Proxy:
//
//	client, err := gonb.SignIn(ctx, "https://my-service.run.app")
//
// shows the sign-in widget in the cell's output and returns when the person is
// signed in. The session is that of the profile, which the command line and other
// programs use too. So the next cell, a program of its own, calls SignIn again and
// has its client at once.
//
// The widget needs a way from the browser to the cell. GoNB's own is there where the
// notebook's page is http and has no base URL: a Jupyter server on this machine. In
// VS Code, JupyterHub, Colab and behind TLS, SignIn shows a link instead and asks for
// the address that the browser ended on, in case the browser cannot reach this
// machine. Where there is no person to ask, as under nbconvert, it returns
// [ErrNoPerson].
//
// What is saved of all this in the notebook's file is one line of text. The address
// to sign in at, who signed in and what was typed are never in it.
package gonb
