package fault

// A Remote is an error of another process, as it goes over a wire: it reads as it
// did there, is of the same kinds, and has the same remedy.
type Remote struct {
	Text  string `json:"text"`
	Kinds []Kind `json:"kinds,omitempty"`
	Next  Remedy `json:"remedy,omitzero"`
}

// ToRemote returns what to send of err, nil for none.
func ToRemote(err error) *Remote {
	if err == nil {
		return nil
	}
	return &Remote{Text: err.Error(), Kinds: Kinds(err), Next: stated(err)}
}

func (e *Remote) Error() string { return e.Text }

// Remedy is what the error's author said to do next. It is zero where that is what
// is usual for the kind.
func (e *Remote) Remedy() Remedy { return e.Next }

// Hint says what to do next in plain words, or nothing.
func (e *Remote) Hint() string { return Hint(e) }

// Unwrap returns the kinds that this process knows.
func (e *Remote) Unwrap() []error {
	var list []error
	for _, k := range e.Kinds {
		if k.Known() {
			list = append(list, k)
		}
	}
	return list
}

// Err returns e as an error, nil for none.
func (e *Remote) Err() error {
	if e == nil {
		return nil
	}
	return e
}
