package cli

import (
	"fmt"
	"time"

	"golang.org/x/term"
)

// A line that shows how far something is appears when it takes longer than
// progressDelay, and is written anew after each progressStep.
const (
	progressDelay = time.Second
	progressStep  = 500 * time.Millisecond
)

// clearLine makes a terminal's line empty.
const clearLine = "\r\x1b[K"

// showProgress shows text on a line of standard error, where that is a terminal, until
// it is told to stop.
func (in *Invocation) showProgress(text func() string) (stop func()) {
	tty := in.stderrTerminal()
	if tty == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { // ends with stop
		defer close(ended)
		wait := time.NewTimer(progressDelay)
		defer wait.Stop()
		shown := false
		for {
			select {
			case <-done:
				if shown {
					in.screen.Lock()
					fmt.Fprint(tty, clearLine)
					in.screen.Unlock()
				}
				return
			case <-wait.C:
				line := prefix + oneLine(text())
				if width, _, err := term.GetSize(int(tty.Fd())); err == nil {
					line = cut(line, width-1) // a cursor at the edge could wrap the line
				}
				if in.screen.TryLock() { // or else a question is there
					fmt.Fprint(tty, clearLine+line)
					in.screen.Unlock()
				}
				shown = true
				wait.Reset(progressStep)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// ShowProgress is showProgress for what takes as long as it takes.
func (in *Invocation) ShowProgress(what string) (stop func()) {
	began := time.Now()
	return in.showProgress(func() string { return fmt.Sprintf("%s: %s", what, time.Since(began).Round(time.Second)) })
}
