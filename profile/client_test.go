package profile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// A client that the program gives goes before the profile's, whose file is neither
// read nor written.
func TestGivenClient(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, clientName)
	if err := os.WriteFile(path, []byte("planted"), 0o644); err != nil {
		t.Fatal(err)
	}
	given := core.ClientSecrets{ClientID: "given", ClientSecret: "s"}
	p, err := Open(Options{Dir: dir, Client: &given})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Client().ID != "given" || p.ClientFile != "" {
		t.Errorf("the client is %v, of file %q", p.Client(), p.ClientFile)
	}
	if err := p.Configure(t.Context(), core.ClientSecrets{ClientID: "later", ClientSecret: "s"}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if p.Client().ID != "later" || err != nil || string(data) != "planted" {
		t.Errorf("the client is %v; the file has %q, %v", p.Client(), data, err)
	}
	if p, err := Open(Options{Dir: dir, Client: &core.ClientSecrets{ClientID: "without a secret"}}); err == nil {
		p.Close()
		t.Error("a client that cannot be used was taken")
	}
}
