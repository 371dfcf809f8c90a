package encrypted

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// boundMagic and a version begin a document that is bound to a key.
const (
	boundMagic   = "tokentoss/bound "
	boundVersion = 1
)

// A binding is what stands before an encrypted document, and the document.
type binding struct {
	generation uint64
	mac        string // empty: the document is not bound
	sealed     []byte
}

// parseBinding returns the binding of a document. An age file alone, which is what was
// written before documents were bound, has none. Only what [Key.bind] writes is taken.
func parseBinding(data []byte) (binding, error) {
	if bytes.HasPrefix(data, []byte(agePrefix)) {
		return binding{sealed: data}, nil
	}
	head, sealed, found := bytes.Cut(data, []byte("\n\n"))
	if !found || !bytes.HasPrefix(head, []byte(boundMagic)) {
		return binding{}, errors.New("it does not begin as an encrypted document does")
	}
	lines := strings.Split(string(head), "\n")
	version, err := strconv.Atoi(lines[0][len(boundMagic):])
	if err == nil && version > boundVersion {
		return binding{}, versionError(version)
	}
	if len(lines) != 3 {
		return binding{}, fmt.Errorf("the binding has %d lines", len(lines))
	}
	b := binding{mac: strings.TrimPrefix(lines[2], "mac "), sealed: sealed}
	b.generation, _ = strconv.ParseUint(strings.TrimPrefix(lines[1], "generation "), 10, 64)
	again := fmt.Sprintf("%s%d\ngeneration %d\nmac %s", boundMagic, boundVersion, b.generation, b.mac)
	if again != string(head) || b.mac == "" {
		return binding{}, errors.New("the binding is not well formed")
	}
	return b, nil
}
