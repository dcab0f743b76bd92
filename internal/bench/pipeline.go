package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/batch"
	"github.com/tapline/tapline/internal/copyin"
	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/gen"
	"github.com/tapline/tapline/schema"
)

// Pipeline is the client's part of a load, from bytes to COPY messages, with everything that is kept from one chunk to
// the next, and a connection that takes every COPY and keeps nothing.
type Pipeline struct {
	dec   *decode.Decoder
	state *schema.State
	chunk *batch.Chunk
	w     copyin.Writer
	table copyin.Table
	conn  discarding
	ev    schema.Event
	row   schema.Row
}

// discarding is a connection that reads COPY streams in the pieces that pgconn does.
type discarding struct {
	buf [65_531]byte
}

// CopyFrom implements copyin.Conn.
func (d *discarding) CopyFrom(_ context.Context, r io.Reader, _ string) (pgconn.CommandTag, error) {
	for {
		if _, err := r.Read(d.buf[:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return pgconn.CommandTag{}, err
		}
	}
}

// NewPipeline returns a pipeline into the catalogue's tables.
func NewPipeline() (*Pipeline, error) {
	dec, err := decode.New(decode.Options{Kind: decode.Segment, Paths: schema.NewPaths(0)})
	if err != nil {
		return nil, err
	}
	have := schema.Tables{}
	for _, b := range schema.BaselineTables() {
		have[b.Name] = &b
	}
	return &Pipeline{
		dec: dec, state: schema.NewState(have, schema.Options{}), chunk: batch.NewChunk(24 << 20),
		w: copyin.Writer{Schema: "bench"},
	}, nil
}

// Load takes all lines of data through the pipeline as one chunk and returns how many rows were written.
func (p *Pipeline) Load(ctx context.Context, data []byte) (rows int, err error) {
	p.chunk.Reset()
	err = p.each(data, func() error {
		if reason := p.state.Row(&p.ev, arrival, &p.row); reason != "" {
			return fmt.Errorf("make a row of %q: %s", p.ev.Raw, reason)
		}
		p.chunk.Add(&p.row)
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, t := range p.chunk.Tables() {
		p.table.Prepare(t, constants)
		rows += len(p.table.Rows)
		if _, err := p.w.Write(ctx, &p.conn, &p.table, ""); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

const arrival schema.Micros = 1_700_000_000_000_000

var constants = []copyin.Constant{{Column: "uuid_ts", Field: copyin.TimeField(arrival)}}

// each decodes every line of data and calls f.
func (p *Pipeline) each(data []byte, f func() error) error {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if !p.dec.Line(data[:end], &p.ev) || p.ev.Reason != "" {
			return fmt.Errorf("decode %q: %s", data[:end], p.ev.Reason)
		}
		if err := f(); err != nil {
			return err
		}
		data = data[end+1:]
	}
	return nil
}

// Lines are so many Segment calls.
func Lines(seed uint64, events int) ([]byte, error) {
	var b bytes.Buffer
	if _, err := gen.Write(&b, gen.Options{Seed: seed, Events: int64(events), Kind: gen.Segment}); err != nil {
		return nil, fmt.Errorf("make events: %w", err)
	}
	return b.Bytes(), nil
}

// Allocations returns how many allocations 10,000 events cost from bytes to COPY messages, once the shapes of events
// are known.
func Allocations(ctx context.Context, seed uint64) (float64, error) {
	const events = 50_000
	p, err := NewPipeline()
	if err != nil {
		return 0, err
	}
	data, err := Lines(seed, events)
	if err != nil {
		return 0, err
	}
	var before, after runtime.MemStats
	for range 3 {
		runtime.ReadMemStats(&before)
		if _, err := p.Load(ctx, data); err != nil {
			return 0, err
		}
		runtime.ReadMemStats(&after)
	}
	return float64(after.Mallocs-before.Mallocs) * 10_000 / events, nil
}
