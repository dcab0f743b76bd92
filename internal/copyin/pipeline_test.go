package copyin_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/batch"
	"github.com/tapline/tapline/internal/copyin"
	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/gen"
	"github.com/tapline/tapline/schema"
)

// discard is a connection that takes every COPY and keeps nothing.
type discard struct {
	buf   [65536]byte
	bytes int64
}

func (d *discard) CopyFrom(_ context.Context, r io.Reader, _ string) (pgconn.CommandTag, error) {
	for {
		n, err := r.Read(d.buf[5:])
		d.bytes += int64(n)
		if err == io.EOF {
			return pgconn.CommandTag{}, nil
		}
		if err != nil {
			return pgconn.CommandTag{}, err
		}
	}
}

// pipeline is decode, schema, batch and copyin with everything a load keeps from one chunk to the next.
type pipeline struct {
	dec   *decode.Decoder
	state *schema.State
	chunk *batch.Chunk
	w     copyin.Writer
	order copyin.Order
	rec   batch.Record
	conn  discard
	ev    schema.Event
	row   schema.Row
}

func newPipeline(t testing.TB) *pipeline {
	t.Helper()
	paths := schema.NewPaths(0)
	dec, err := decode.New(decode.Options{Kind: decode.Segment, Paths: paths})
	if err != nil {
		t.Fatalf("new decoder: %v", err)
	}
	have := schema.Tables{}
	for _, b := range schema.BaselineTables() {
		have[b.Name] = &b
	}
	return &pipeline{
		dec: dec, state: schema.NewState(have, schema.Options{}), chunk: batch.NewChunk(40 << 20),
		w: copyin.Writer{Schema: "bench"},
	}
}

// load takes all lines through the pipeline as one chunk.
func (p *pipeline) load(t testing.TB, data []byte) (rows int) {
	p.chunk.Reset()
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if !p.dec.Line(data[:end], &p.ev) || p.ev.Reason != "" {
			t.Fatalf("decode %q: %s", data[:end], p.ev.Reason)
		}
		if reason := p.state.Row(&p.ev, 1_700_000_000_000_000, &p.row); reason != "" {
			t.Fatalf("row of %q: %s", data[:end], reason)
		}
		p.chunk.Add(&p.row)
		data = data[end+1:]
	}
	for _, table := range p.chunk.Tables() {
		table.Record(&p.rec)
		order := p.order.Sort(&p.rec)
		rows += len(order)
		if _, err := p.w.Write(t.Context(), &p.conn, &p.rec, order, constants); err != nil {
			t.Fatalf("write: %v", err)
		}
	}
	return rows
}

var constants = []copyin.Constant{{Column: "uuid_ts", Field: copyin.TimeField(1_700_000_000_000_000)}}

func lines(t testing.TB, events int) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := gen.Write(&b, gen.Options{Seed: 1, Events: int64(events), Kind: gen.Segment}); err != nil {
		t.Fatalf("generate: %v", err)
	}
	return b.Bytes()
}

// TestNoAllocationInSteadyState asserts what keeps memory flat and the collector idle: once the shapes are known,
// 10,000 events cost fewer than 10 allocations from bytes to COPY messages.
func TestNoAllocationInSteadyState(t *testing.T) {
	p := newPipeline(t)
	data := lines(t, 20_000)
	p.load(t, data)
	p.load(t, data)
	allocs := testing.AllocsPerRun(3, func() { p.load(t, data) })
	if perTenThousand := allocs / 2; perTenThousand >= 10 {
		t.Errorf("%.1f allocations per 10,000 events, want fewer than 10", perTenThousand)
	}
}

// BenchmarkPipeline measures the client's part of a load: one operation is one event.
func BenchmarkPipeline(b *testing.B) {
	const events = 60_000
	p := newPipeline(b)
	data := lines(b, events)
	p.load(b, data)
	b.SetBytes(int64(len(data) / events))
	b.ResetTimer()
	for n := 0; n < b.N; n += events {
		p.load(b, data)
	}
}

// BenchmarkStages measures how the time is shared.
func BenchmarkStages(b *testing.B) {
	const events = 60_000
	data := lines(b, events)
	p := newPipeline(b)
	p.load(b, data)
	each := func(f func()) func(b *testing.B) {
		return func(b *testing.B) {
			for n := 0; n < b.N; n += events {
				for d := data; len(d) > 0; {
					end := bytes.IndexByte(d, '\n')
					p.dec.Line(d[:end], &p.ev)
					f()
					d = d[end+1:]
				}
			}
		}
	}
	b.Run("decode", each(func() {}))
	b.Run("decode+row", each(func() { p.state.Row(&p.ev, 0, &p.row) }))
	b.Run("sort", func(b *testing.B) {
		for n := 0; n < b.N; n += events {
			for _, table := range p.chunk.Tables() {
				table.Record(&p.rec)
				p.order.Sort(&p.rec)
			}
		}
	})
	b.Run("sort+encode", func(b *testing.B) {
		for n := 0; n < b.N; n += events {
			for _, table := range p.chunk.Tables() {
				table.Record(&p.rec)
				_, _ = p.w.Write(b.Context(), &p.conn, &p.rec, p.order.Sort(&p.rec), constants)
			}
		}
	})
}
