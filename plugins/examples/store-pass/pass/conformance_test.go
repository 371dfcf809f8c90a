package pass_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/core/storetest"
	"github.com/tokentoss/tokentoss/plugins/examples/store-pass/pass"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

// The kit's races begin hundreds of programs a round.
func TestConformance(t *testing.T) {
	plugintest.Store(t, pass.Plugin(), place, storetest.WithRounds(1), storetest.WithTimeout(60e9))
}
