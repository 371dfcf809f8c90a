package core_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
)

// TestMain fails the run when a goroutine outlives its test.
func TestMain(m *testing.M) {
	if os.Getenv(panicEnv) != "" {
		die(os.Getenv(panicEnv))
	}
	goleak.VerifyTestMain(m)
}

// panicEnv has the test binary panic with a value that holds a secret, for
// TestPanicShowsNoSecret.
const panicEnv = "TOKENTOSS_TEST_PANIC"

func die(with string) {
	switch with {
	case "secret":
		panic(core.Secret(needle))
	case "id token":
		panic(core.IDToken{Value: needle})
	case "token":
		panic(core.Token{RefreshToken: needle})
	case "record":
		panic(core.Record{Data: []byte(needle)})
	case "client secrets":
		panic(&core.ClientSecrets{ClientSecret: needle})
	case "error":
		panic(fmt.Errorf("wrapped: %v", core.Secret(needle)))
	}
}
