package encrypted

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// headerMagic and a version begin the first line of what is encrypted.
const (
	headerMagic   = "tokentoss/encrypted "
	headerVersion = 1
)

// A header says what document it stands before. It is a part of the plaintext.
type header struct {
	store      string // the name that the store was given
	key        string // the profile
	lineage    string // of all documents since the first, after which others were saved
	generation uint64 // how many those were
}

// encode writes the header, ended by an empty line.
func (h header) encode() []byte {
	return fmt.Appendf(nil, "%s%d\nstore %q\nkey %q\nlineage %q\ngeneration %d\n\n",
		headerMagic, headerVersion, h.store, h.key, h.lineage, h.generation)
}

// A versionError is a header of a version that is not known here.
type versionError int

func (e versionError) Error() string { return fmt.Sprintf("version %d of the format", int(e)) }

// parseHeader returns the header of plain and the document after it. Only what
// encode writes is taken.
func parseHeader(plain []byte) (header, []byte, error) {
	head, doc, found := bytes.Cut(plain, []byte("\n\n"))
	if !found || !bytes.HasPrefix(head, []byte(headerMagic)) {
		return header{}, nil, errors.New("it does not begin with a header")
	}
	lines := strings.Split(string(head), "\n")
	version, err := strconv.Atoi(lines[0][len(headerMagic):])
	if err == nil && version > headerVersion {
		return header{}, nil, versionError(version)
	}
	if len(lines) != 5 {
		return header{}, nil, fmt.Errorf("the header has %d lines", len(lines))
	}
	h := header{
		store:   unquoted(lines[1], "store "),
		key:     unquoted(lines[2], "key "),
		lineage: unquoted(lines[3], "lineage "),
	}
	h.generation, _ = strconv.ParseUint(strings.TrimPrefix(lines[4], "generation "), 10, 64)
	if !bytes.Equal(h.encode(), plain[:len(head)+2]) {
		return header{}, nil, errors.New("the header is not well formed")
	}
	return h, doc, nil
}

// unquoted returns the quoted text after a word, or nothing.
func unquoted(line, word string) string {
	text, _ := strconv.Unquote(strings.TrimPrefix(line, word))
	return text
}
