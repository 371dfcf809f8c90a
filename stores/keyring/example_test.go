package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/keyring"
)

// A store beside the configuration of the command line, which finds the same sessions
// there. The keyring is asked when one is first read or saved.
func Example() {
	config, err := os.UserConfigDir()
	if err != nil {
		log.Fatal(err)
	}
	store, err := keyring.Open(keyring.Config{}, filepath.Join(config, "tokentoss", "stores", "keyring"))
	if err != nil {
		log.Fatal(err)
	}
	switch _, err := store.Load(context.Background(), core.DefaultKey); {
	case errors.Is(err, core.ErrNotFound):
		fmt.Println("nobody is signed in")
	case errors.Is(err, core.ErrSealed):
		fmt.Println("the keyring is locked")
	case err != nil:
		log.Fatal(err)
	}
}
