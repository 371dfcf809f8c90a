package page_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// engines are the browsers that are tested.
func engines() []browser.Engine { return []browser.Engine{browser.Chromium} }

// TestScenarios does what people do, in each browser.
func TestScenarios(t *testing.T) {
	for _, engine := range engines() {
		t.Run(string(engine), func(t *testing.T) {
			b := engine.Start(t, browser.Light)
			for _, scenario := range []struct {
				name string
				run  func(*testing.T, *browser.Browser)
			}{
				{"journey", journey}, {"refused window", refusedWindow}, {"paste", paste}, {"denied", denied},
				{"opener policy", openerPolicy}, {"once", once}, {"keyboard", keyboard}, {"come back", comeBack}, {"end", end},
				{"elsewhere", elsewhere}, {"provider down", providerDown}, {"markup", markup},
			} {
				t.Run(scenario.name, func(t *testing.T) { scenario.run(t, b.For(t)) })
			}
		})
	}
}
