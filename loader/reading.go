package loader

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/tapline/tapline/internal/batch"
	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/occurrence"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// reading is the first half of the pipeline: it decodes the records of a group's units and fills chunks with their rows. It
// runs in a goroutine of its own and owns the State meanwhile.
type reading struct {
	l        *worker
	a        *attempt
	received schema.Micros
	rejected map[rowKey][]string // by Postgres, in earlier attempts

	at     int                 // the number of the unit that is read
	reader source.Reader       // of that unit; nil before it is open
	before int64               // bytes of the units before it
	twins  *occurrence.Counter // of that unit; made at the first record for quarantine

	ev      schema.Event
	row     schema.Row
	count   int64                   // records so far
	refused map[schema.Reason]int64 // records of a replay that go on waiting

	sent bool // a chunk has gone to the writer: its transaction is open
}

// message is what reading hands to writing: a full chunk, or the wish that the transaction be rolled back, confirmed
// on done.
type message struct {
	chunk    *batch.Chunk
	rollback chan struct{}
}

// try makes one attempt: reading and writing run side by side, a chunk apart.
func (l *worker) try(ctx context.Context, g *group) (a *attempt, err error) {
	if left, err := l.ready(ctx, g); err != nil || !left {
		return nil, err
	}
	a = l.newAttempt(g)
	l.state.Begin(true)
	pipe, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	full, free := make(chan message), make(chan *batch.Chunk, len(l.chunks))
	for _, c := range l.chunks {
		free <- c
	}
	r := &reading{
		l: l, a: a, received: schema.Micros(a.started.UnixMicro()), rejected: a.rejected.begin(),
		refused: a.report.Refused,
	}
	ended := make(chan error, 1)
	go func() {
		ended <- r.run(pipe, full, free)
		close(full)
	}()
	w := &writing{l: l, a: a}
	werr := w.run(pipe, full, free)
	cancel(werr)
	for range full { // let the reading end
	}
	rerr := <-ended
	switch {
	case werr != nil:
	case rerr != nil:
		werr = errors.Join(rerr, w.rollback(context.WithoutCancel(ctx)))
		if errors.Is(rerr, errRestart) || errors.Is(rerr, errUnreadable) {
			werr = rerr
		}
	default:
		werr = w.commit(ctx)
	}
	w.close(ctx)
	if err := r.closeUnit(); err != nil {
		l.cfg.Logger.WarnContext(ctx, "unit is not closed", "unit", g.name(), "error", err)
	}
	if werr == nil {
		l.committed(a)
	}
	return a, werr
}

// run decodes all units, chunk by chunk.
func (r *reading) run(ctx context.Context, full chan<- message, free <-chan *batch.Chunk) error {
	c, err := r.next(ctx, free)
	if err != nil {
		return err
	}
	for {
		c.SetLimit(r.limit())
		end, err := r.fill(ctx, c)
		if err != nil {
			return err
		}
		if r.l.state.HasPending() {
			if err := r.evolve(ctx, full, end); err != nil {
				return err
			}
		}
		var next *batch.Chunk
		if !end {
			if next, err = r.next(ctx, free); err != nil {
				return err
			}
			c.Carry(next)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case full <- message{chunk: c}:
		}
		r.sent = true
		if end {
			return nil
		}
		c = next
	}
}

// next waits for a chunk that is written, and empties it.
func (r *reading) next(ctx context.Context, free <-chan *batch.Chunk) (*batch.Chunk, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case c := <-free:
		c.Reset()
		return c, nil
	}
}

// limit is the size of the next chunk: the worker's share of the memory. The first is small, so that Postgres has something
// to do early.
func (r *reading) limit() int {
	limit := r.l.cfg.ChunkBytes / max(1, r.l.progress.active())
	if !r.sent {
		limit /= 3
	}
	return limit
}

// fill adds records to c until it is full; a nil c only lets the State see them. end is true after the last record of the
// last unit.
func (r *reading) fill(ctx context.Context, c *batch.Chunk) (end bool, err error) {
	counted := r.count
	defer func() { r.l.progress.events.Add(r.count - counted) }()
	for c == nil || !c.Full() {
		err := r.record(ctx)
		if errors.Is(err, io.EOF) {
			if r.at++; r.at == len(r.a.units) {
				return true, nil
			}
			continue
		}
		if err != nil {
			return false, r.unreadable(ctx, err)
		}
		if c != nil {
			c.Unit = int32(r.at)
		}
		if err := r.take(c); err != nil {
			return false, err
		}
		if r.count&1023 == 0 {
			r.l.progress.events.Add(r.count - counted)
			counted = r.count
			if ctx.Err() != nil {
				return false, context.Cause(ctx)
			}
		}
	}
	return false, nil
}

// take turns one record into a row or a quarantined record of c.
func (r *reading) take(c *batch.Chunk) error {
	r.count++
	sum := &r.a.counts[r.at]
	reason := r.ev.Reason
	if reason == "" {
		reason = r.l.state.Row(&r.ev, r.received, &r.row)
		if r.l.unsure != nil {
			return r.l.unsure
		}
		if reason == "" && r.wasRejected() {
			reason = schema.RejectedByDatabase
		}
	}
	switch {
	case c == nil:
		return nil
	case reason == "" && r.row.Ignored:
		sum.Filtered++
		return nil
	case reason == "":
		sum.Accepted++
		c.Add(&r.row)
		if r.ev.Origin != "" {
			c.Origins = append(c.Origins, r.ev.Origin)
		}
		return nil
	case r.ev.Origin != "": // it waits there already
		r.refused[reason]++
		return nil
	}
	sum.Accepted++
	return r.quarantine(c, reason)
}

// quarantine adds the record to c's quarantine. Its key is the digest of source, bytes and which occurrence of these
// bytes in the file or unit it is, so that reading it again adds nothing.
func (r *reading) quarantine(c *batch.Chunk, reason schema.Reason) error {
	ev := &r.ev
	digest := ev.RawDigest()
	if ev.Reason == "" { // it has an id, and that tells twins apart also across the ranges of a file
		digest = sha256.Sum256(append(digest[:], ev.ID...))
	}
	n, err := r.nth(digest)
	if err != nil {
		return fmt.Errorf("count repeated records: %w", err)
	}
	form, err := r.form()
	if err != nil {
		return err
	}
	raw, sent := masked(ev)
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%x\x00%d", r.l.cfg.Schema, digest, n)
	size := ev.RawSize
	if size == 0 {
		size = int64(len(ev.Raw))
	}
	c.AddQuarantined(&batch.Quarantined{
		ID: []byte("q_" + hex.EncodeToString(h.Sum(nil)[:16])), Reason: reason, Detail: ev.Detail,
		Raw: raw, RawSize: size, Source: r.l.cfg.Source, Unit: r.a.units[r.at].unit.Name(),
		Line: ev.Line, Offset: ev.Offset, Received: r.received, Occurrence: cmp.Or(ev.Twin, n), Digest: sent, Form: form,
	})
	return nil
}

// form is what has to be known to read the record again by itself, nil if its reader cannot tell.
func (r *reading) form() ([]byte, error) {
	f, ok := r.reader.(source.Former)
	if !ok {
		return nil, nil
	}
	form, err := f.Form()
	if err != nil {
		return nil, fmt.Errorf("describe record: %w", err)
	}
	return form, nil
}

// masked returns the record's bytes without write keys and, if these are not the record as it was sent, the digest of that.
func masked(ev *schema.Event) (raw, sent []byte) {
	raw = decode.Redact(ev.Raw)
	if ev.RawHash == [32]byte{} && bytes.Equal(raw, ev.Raw) {
		return raw, nil
	}
	digest := ev.RawDigest()
	return raw, digest[:]
}

// nth is which occurrence of its bytes the record is: in the file if its reader knows, else in the unit.
func (r *reading) nth(digest [32]byte) (uint64, error) {
	if r.ev.Nth > 0 {
		return r.ev.Nth, nil
	}
	if r.twins == nil {
		var o occurrence.Options
		if u, ok := r.a.units[r.at].unit.(interface{ TempDir() string }); ok {
			o.Dir = u.TempDir()
		}
		r.twins = occurrence.New(o)
	}
	return r.twins.Next(digest)
}
