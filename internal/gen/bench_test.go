package gen_test

import (
	"io"
	"testing"

	"github.com/tapline/tapline/internal/gen"
)

func BenchmarkWrite(b *testing.B) {
	for _, kind := range []gen.Kind{gen.Segment, gen.SegmentCSV, gen.CleverTap, gen.CleverTapCSV} {
		b.Run(string(kind), func(b *testing.B) {
			const events = 50_000
			var bytes int64
			for b.Loop() {
				stats, err := gen.Write(io.Discard, gen.Options{Seed: 1, Events: events, Kind: kind, Users: 2000})
				if err != nil {
					b.Fatal(err)
				}
				bytes = stats.Bytes
			}
			b.SetBytes(bytes)
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
