package core_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
)

// The store of the examples keeps to the contract, since it will be copied.
func TestExampleStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) core.TokenStore { return &mapStore{} },
		storetest.SkipLocking("one process, and the revision is compared"), storetest.SkipListing("nobody asks"))
}
