package host

import (
	"errors"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// said returns what makes errors of a plugin's what that plugin says: they may not
// look like tokentoss's own. What it says to do next is its own advice, and shown as
// that. The plugins that are a part of tokentoss are tokentoss itself.
func (h *Host) said(plugin string) func(error) error {
	if _, ok := h.bundled(plugin); ok {
		return itself
	}
	return func(err error) error {
		var remote *wire.Error
		if !errors.As(err, &remote) {
			return err
		}
		e := &fault.Error{Subject: "plugin " + plugin, Err: err, Remedy: remote.Next}
		if !e.Remedy.IsZero() {
			e.Remedy.From = plugin
		}
		return e
	}
}

// itself is for errors that are to stay as they are.
func itself(err error) error { return err }

// A TrustError is an executable that is not run, or a lock file that is not
// believed, since somebody else could have changed it.
type TrustError struct {
	Path    string
	Problem string
	Fix     string
}

// Error names the path and the problem.
func (e *TrustError) Error() string { return e.Path + ": not trusted: " + e.Problem }

// Remedy says what to do next.
func (e *TrustError) Remedy() fault.Remedy { return fault.Remedy{Text: e.Fix} }

// Is makes errors.Is(err, core.ErrInsecure) true.
func (e *TrustError) Is(target error) bool { return target == core.ErrInsecure }
