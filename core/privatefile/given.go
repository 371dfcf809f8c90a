package privatefile

// A Given is a file that a platform or a person gave to tokentoss: a key, an OAuth
// client, a certificate, a password. Its Data has no byte order mark.
type Given struct {
	Data    []byte
	exposed error
}

// ReadGiven reads such a file, if nobody but the user and root can have written it.
// Others may be able to read it; see [Given.Secret].
func ReadGiven(path string) (Given, error) {
	data, p, err := givenRule.load(path)
	if err != nil {
		return Given{}, err
	}
	return Given{Text(data), exposed(p)}, nil
}

// Secret returns the data of a file whose content is secret. It refuses a file of
// the user's own that others can read. One that root or a read-only mount gives, as
// Kubernetes and Docker do with secrets, may be readable by others.
func (g Given) Secret() ([]byte, error) { return g.Data, g.exposed }
