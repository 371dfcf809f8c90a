package encrypted_test

import (
	"context"
	"fmt"
	"os"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// A store whose key is a file beside the documents.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	store, err := encrypted.Open(encrypted.Config{}, dir, nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if _, err := store.Save(ctx, core.DefaultKey, core.Record{Data: []byte("a session")}); err != nil {
		panic(err)
	}
	r, err := store.Load(ctx, core.DefaultKey)
	fmt.Println(string(r.Data), err)
	onDisk, err := os.ReadFile(store.(core.Locator).Path(core.DefaultKey))
	fmt.Printf("%.17s %v\n", onDisk, err)
	// Output:
	// a session <nil>
	// tokentoss/bound 1 <nil>
}
