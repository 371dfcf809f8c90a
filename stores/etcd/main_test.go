package etcd_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

// TestMain fails the run when a goroutine outlives its test.
func TestMain(m *testing.M) {
	crashtest.Child(opener.Place)
	if config := os.Getenv(memberEnv); config != "" {
		if err := serveMember(config); err != nil {
			fmt.Fprintln(os.Stderr, "member of etcd:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(plugintest.Run(func() int {
		code := m.Run()
		stopShared()
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		return code
	}, plugin()))
}
