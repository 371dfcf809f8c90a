package encrypted

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func FuzzHeader(f *testing.F) {
	f.Add(header{"encrypted", "default", "AB", 7}.encode())
	f.Add(append(header{"a \"b\"\n\n\x00\xff", "work", "", 1<<64 - 1}.encode(), "a document\n\n"...))
	f.Add([]byte("tokentoss/encrypted 2\nanything\n\n"))
	f.Add([]byte("tokentoss/encrypted 1\nstore x\nkey \"\"\nlineage \"\"\ngeneration 01\n\n"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		h, doc, err := parseHeader(plain)
		if err != nil {
			return
		}
		if again := append(h.encode(), doc...); !bytes.Equal(again, plain) {
			t.Errorf("%q is read as %+v, which is written as %q", plain, h, again)
		}
	})
}

func FuzzHeaderRoundTrip(f *testing.F) {
	f.Add("encrypted", "default", "AB", uint64(7), []byte("{}"))
	f.Add("", "\n\n", "\"", uint64(0), []byte("\n\n"))
	f.Fuzz(func(t *testing.T, store, key, lineage string, generation uint64, doc []byte) {
		want := header{store, key, lineage, generation}
		got, rest, err := parseHeader(append(want.encode(), doc...))
		if err != nil || got != want || !bytes.Equal(rest, doc) {
			t.Errorf("%+v and %q are read as %+v and %q, %v", want, doc, got, rest, err)
		}
	})
}

// Only what is written is read: nothing stands in a header that was not checked.
func TestHeaderIsStrict(t *testing.T) {
	t.Parallel()
	good := string(header{"encrypted", "default", "AB", 7}.encode())
	for name, change := range map[string][2]string{
		"no magic":         {"tokentoss/", "tokentoss:"},
		"leading zero":     {"generation 7", "generation 07"},
		"sign":             {"generation 7", "generation +7"},
		"negative":         {"generation 7", "generation -1"},
		"too large":        {"generation 7", "generation 18446744073709551616"},
		"no quotes":        {`"default"`, "default"},
		"escaped for fun":  {`"default"`, `"\x64efault"`},
		"raw string":       {`"default"`, "`default`"},
		"another order":    {"store \"encrypted\"\nkey \"default\"", "key \"default\"\nstore \"encrypted\""},
		"a line more":      {"lineage", "x \"y\"\nlineage"},
		"a line less":      {"lineage \"AB\"\n", ""},
		"carriage returns": {"\n", "\r\n"},
		"no end":           {"\n\n", "\n"},
		"version 0":        {"encrypted 1", "encrypted 0"},
		"no version":       {"encrypted 1", "encrypted one"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing is changed", name)
		}
		if h, _, err := parseHeader([]byte(bad)); err == nil {
			t.Errorf("%s: %q is read as %+v", name, bad, h)
		}
	}
	var newer versionError
	if _, _, err := parseHeader([]byte(strings.Replace(good, " 1\n", " 2\n", 1))); !errors.As(err, &newer) || newer != 2 {
		t.Errorf("error for version 2 is %v, want a versionError", err)
	}
}
