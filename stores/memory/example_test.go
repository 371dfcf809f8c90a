package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/memory"
)

// Save succeeds only from the revision that was loaded, so that no writer undoes what it
// has not seen.
func Example() {
	ctx, store := context.Background(), memory.New()
	first, err := store.Save(ctx, "work", core.Record{Data: []byte("a session")})
	fmt.Println(err)
	_, err = store.Save(ctx, "work", core.Record{Data: []byte("a later one"), Revision: first.Revision})
	fmt.Println(err)
	_, err = store.Save(ctx, "work", core.Record{Data: []byte("of somebody who saw the first"), Revision: first.Revision})
	fmt.Println(errors.Is(err, core.ErrConflict))
	// Output:
	// <nil>
	// <nil>
	// true
}
