package file_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/file"
)

func Example() {
	dir, err := os.MkdirTemp("", "tokentoss-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	store, err := file.New(filepath.Join(dir, "tokentoss"))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	_, err = store.Load(ctx, "work")
	fmt.Println("signed in:", !errors.Is(err, core.ErrNotFound))

	first, err := store.Save(ctx, "work", core.Record{Data: []byte("one")})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := store.Save(ctx, "work", core.Record{Data: []byte("two"), Revision: first.Revision}); err != nil {
		log.Fatal(err)
	}

	// Somebody who has not seen "two" cannot overwrite it.
	_, err = store.Save(ctx, "work", core.Record{Data: []byte("three"), Revision: first.Revision})
	fmt.Println("conflict:", errors.Is(err, core.ErrConflict))

	keys, err := store.List(ctx)
	fmt.Println(keys, err)
	// Output:
	// signed in: false
	// conflict: true
	// [work] <nil>
}
