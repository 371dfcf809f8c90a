package plugins_test

import (
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

// document is as large as a session with its tokens.
var document = core.Record{Data: []byte(`{"x":"` + strings.Repeat("x", 2300) + `"}`)}

// BenchmarkWarmLoad is a call of a store that is open, over each carrier. What it may
// take beside go-plugin's own example, make bench says.
func BenchmarkWarmLoad(b *testing.B) {
	for _, c := range plugintest.Carriers() {
		b.Run(string(c), func(b *testing.B) {
			s := openWith(b, c, plugins.Request{Dir: b.TempDir()})
			defer core.Full(s).Close()
			if _, err := s.Save(b.Context(), "a", document); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Load(b.Context(), "a"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFirstUse opens a store and loads a document, over each carrier.
func BenchmarkFirstUse(b *testing.B) {
	for _, c := range plugintest.Carriers() {
		b.Run(string(c), func(b *testing.B) {
			r := plugins.Request{Dir: b.TempDir()}
			s := openWith(b, c, r)
			if _, err := s.Save(b.Context(), "a", document); err != nil {
				b.Fatal(err)
			}
			if err := core.Full(s).Close(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				s := openWith(b, c, r)
				if _, err := s.Load(b.Context(), "a"); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := core.Full(s).Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func openWith(b *testing.B, c plugintest.Carrier, r plugins.Request) core.TokenStore {
	b.Helper()
	s, err := plugintest.OpenStore(b, c, filePlugin(), r)
	if err != nil {
		b.Fatal(err)
	}
	return s
}
