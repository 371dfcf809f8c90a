package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// Whatever comes, it is served to its end, and each answer is a message.
func FuzzServe(f *testing.F) {
	hello := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":"tokentoss.rpc/1"}}` + "\n"
	for _, seed := range []string{
		"", hello, hello + `{"jsonrpc":"2.0","id":"a","method":"session.token","params":{"session":"s1","stale":1}}` + "\n",
		hello + `{"jsonrpc":"2.0","id":2,"method":"session.open","params":{"store":{"memory":{"record":{}}},"client":{"client_id":"x"}}}` + "\n",
		hello + `{"jsonrpc":"2.0","method":"session.message","params":{"session":"s1","message":{"v":1,"type":"arm"}}}` + "\n",
		hello + `{"jsonrpc":"2.0","id":3,"method":"shutdown"}` + "\nplanted\n", "[]\n{}\nnull\n\"\"\n1\n",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, input []byte) {
		if bytes.Contains(input, []byte("file")) || bytes.Contains(input, []byte("configure")) || bytes.ContainsRune(input, '\\') {
			t.Skip("it may read or write files")
		}
		var out bytes.Buffer
		if err := Serve(context.Background(), bytes.NewReader(input), &out, Host{Dir: dir}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			var m struct {
				Version string `json:"jsonrpc"`
				Result  json.RawMessage
				Error   *Problem
			}
			if json.Unmarshal([]byte(line), &m) != nil || m.Version != "2.0" || (m.Result == nil) == (m.Error == nil) {
				t.Errorf("an answer is %q", line)
			}
		}
	})
}
