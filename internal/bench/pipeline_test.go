package bench

import (
	"testing"
)

// TestNoAllocationInSteadyState asserts what keeps memory flat and the collector idle: once the shapes of events are
// known, 10,000 of them cost fewer than 10 allocations through decode, schema, batch and copyin, over whole chunks.
func TestNoAllocationInSteadyState(t *testing.T) {
	p, data := pipeline(t, 20_000)
	allocs := testing.AllocsPerRun(3, func() {
		if rows, err := p.Load(t.Context(), data); err != nil || rows != 20_000 {
			t.Errorf("%d rows, error %v; want 20,000 rows", rows, err)
		}
	})
	if got := allocs / 2; got >= 10 {
		t.Errorf("%.1f allocations per 10,000 events, want fewer than 10", got)
	}
}

// pipeline returns a pipeline that has seen its events twice.
func pipeline(t testing.TB, events int) (*Pipeline, []byte) {
	t.Helper()
	p, err := NewPipeline()
	if err != nil {
		t.Fatalf("new pipeline: %v", err)
	}
	data, err := Lines(1, events)
	if err != nil {
		t.Fatalf("make events: %v", err)
	}
	for range 2 {
		if _, err := p.Load(t.Context(), data); err != nil {
			t.Fatalf("load: %v", err)
		}
	}
	return p, data
}

const benchEvents = 60_000

// BenchmarkPipeline measures the client's part of a load: one operation is one event.
func BenchmarkPipeline(b *testing.B) {
	p, data := pipeline(b, benchEvents)
	b.SetBytes(int64(len(data) / benchEvents))
	for n := 0; n < b.N; n += benchEvents {
		if _, err := p.Load(b.Context(), data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStages measures how the time of BenchmarkPipeline is shared.
func BenchmarkStages(b *testing.B) {
	p, data := pipeline(b, benchEvents)
	stage := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			for n := 0; n < b.N; n += benchEvents {
				if err := p.each(data, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	stage("decode", func() error { return nil })
	stage("decode+row", func() error { p.state.Row(&p.ev, arrival, &p.row); return nil })
	b.Run("decode+row+add", func(b *testing.B) {
		for n := 0; n < b.N; n += benchEvents {
			p.chunk.Reset()
			err := p.each(data, func() error {
				p.state.Row(&p.ev, arrival, &p.row)
				p.chunk.Add(&p.row)
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sort+encode", func(b *testing.B) {
		for n := 0; n < b.N; n += benchEvents {
			for _, rows := range p.chunk.Tables() {
				p.table.Prepare(rows, constants)
				if _, err := p.w.Write(b.Context(), &p.conn, &p.table, ""); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
