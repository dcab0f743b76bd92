package clevertap_test

import (
	"testing"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/schema"
)

// BenchmarkSource reads windows and decodes their records; the server has its pages ready.
func BenchmarkSource(b *testing.B) {
	p, err := clevertapfake.NewPopulation(clevertapfake.PopulationOptions{Events: 100_000, Seed: 7})
	if err != nil {
		b.Fatal(err)
	}
	s, c := account(b, clevertapfake.Options{Population: p})
	s.Prerender(5000)
	var bytes int64
	for _, e := range p.Events() {
		for _, r := range p.Records(e, 0) {
			bytes += int64(len(r.Raw))
		}
	}
	b.SetBytes(bytes)
	paths := schema.NewPaths(0)
	for b.Loop() {
		src := clevertap.NewSource(clevertap.SourceOptions{Client: c, Windows: windows(b, p), Location: india(b), TempDir: b.TempDir()})
		var ev schema.Event
		for u, err := range src.Units(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			r, err := u.Open(b.Context(), paths)
			if err != nil {
				b.Fatal(err)
			}
			for err == nil {
				err = r.Next(&ev)
			}
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(p.Len()), "ns/event")
}
