package waiting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// reader reads the rows of a quarantine as they come.
type reader struct {
	opts  *Options
	conn  *pgxpool.Conn
	tx    pgx.Tx
	rows  pgx.Rows
	again *again
	taken int64
	bytes atomic.Int64
	row   record
}

var _ source.Reader = (*reader)(nil)

// record is one row of a quarantine.
type record struct {
	id, reason, detail string
	raw, digest        []byte
	form               string
	occurrence         int64
	line, offset       int64
	received           *time.Time
}

// Next implements source.Reader. Records of other tables than the Options name are left out.
func (r *reader) Next(ev *schema.Event) error {
	for r.opts.Limit == 0 || r.taken < r.opts.Limit {
		if !r.rows.Next() {
			if err := r.rows.Err(); err != nil {
				return fmt.Errorf("read quarantine: %w", err)
			}
			return io.EOF
		}
		w := &r.row
		w.raw, w.digest = nil, nil
		err := r.rows.Scan(&w.id, &w.reason, &w.detail, &w.raw, &w.digest, &w.form, &w.occurrence, &w.line, &w.offset, &w.received)
		if err != nil {
			return fmt.Errorf("read quarantine: %w", err)
		}
		r.bytes.Add(int64(len(w.raw)))
		if err := r.again.decode(w, ev); err != nil {
			return fmt.Errorf("read record %s in quarantine: %w", w.id, err)
		}
		if r.opts.Table != "" && (ev.Reason != "" || schema.TableOf(ev) != r.opts.Table) {
			continue
		}
		if ev.Reason == "" {
			r.taken++
		}
		return nil
	}
	return io.EOF
}

// Read implements source.Reader.
func (r *reader) Read() int64 { return r.bytes.Load() }

// Notes implements source.Reader.
func (r *reader) Notes() source.Notes { return r.again.notes() }

// closing is how long the end of a reader may wait for the server's answer.
const closing = 5 * time.Second

// Close implements source.Reader.
func (r *reader) Close() error {
	if r.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if r.rows != nil {
		r.rows.Close()
	}
	var err error
	if r.tx != nil && !r.conn.Conn().IsClosed() {
		if err = r.tx.Rollback(ctx); errors.Is(err, pgx.ErrTxClosed) {
			err = nil
		}
	}
	r.conn.Release()
	r.conn = nil
	return err
}
