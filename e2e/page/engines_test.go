package page_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/e2e/internal/suite"
)

// engines are the browsers that are tested: make test has Chromium, and make test-browsers
// all of them.
func engines() []browser.Engine {
	if slices.Contains(strings.Split(os.Getenv(suite.Env), ","), suite.Browsers) {
		return browser.Engines
	}
	return []browser.Engine{browser.Chromium}
}

// inEngines tests with each browser, at the same time: they mostly wait.
func inEngines(t *testing.T, f func(*testing.T, browser.Engine)) {
	for _, engine := range engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f(t, engine)
		})
	}
}

// TestScenarios does what people do, in each browser.
func TestScenarios(t *testing.T) {
	inEngines(t, func(t *testing.T, engine browser.Engine) {
		b := engine.Start(t, browser.Light)
		for _, scenario := range []struct {
			name string
			run  func(*testing.T, *browser.Browser)
		}{
			{"journey", journey}, {"refused window", refusedWindow}, {"paste", paste}, {"denied", denied}, {"closed window", closedWindow},
			{"opener policy", openerPolicy}, {"once", once}, {"keyboard", keyboard}, {"come back", comeBack}, {"end", end},
			{"elsewhere", elsewhere}, {"provider down", providerDown}, {"markup", markup}, {"own width", ownWidth}, {"host theme", hostTheme},
		} {
			if !t.Run(scenario.name, func(t *testing.T) { scenario.run(t, b.For(t)) }) {
				b = engine.Start(t, browser.Light) // nobody knows what became of that one
			}
		}
	})
}

// TestDocsNameTheBrowsers: docs/serve.md says which browsers are tested.
func TestDocsNameTheBrowsers(t *testing.T) {
	text, err := os.ReadFile("../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range browser.Engines {
		if !strings.Contains(string(text), "| "+string(engine)+" |") {
			t.Errorf("docs/serve.md does not name %s", engine)
		}
	}
}
