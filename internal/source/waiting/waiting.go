// Package waiting reads the records that wait in a source's quarantine again, as a source of one unit: what a migration, a
// setting or a newer release has cured becomes rows on the same way as any other record.
package waiting

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// Name is the unit's name in the ledger.
const Name = "replay"

// Options say which records are read, and how.
type Options struct {
	Pool   *pgxpool.Pool
	Schema string
	// Key is the unit's, another one for each replay.
	Key string
	// Reasons defaults to all, Table to all tables, Since and Until to all times of being put into quarantine.
	Reasons      []schema.Reason
	Table        string
	Since, Until time.Time
	// Limit is how many records that can be decoded are read; 0 for all.
	Limit int64
	// Timezone, Account, Event and UserIdentity are the source's settings for CleverTap's records, as they are now.
	Timezone     *time.Location
	Account      string
	Event        string
	UserIdentity string
}

// Source is a source.Source over a quarantine.
type Source struct{ opts Options }

var _ source.Source = (*Source)(nil)

// New returns a Source. The pool stays the caller's.
func New(o Options) *Source { return &Source{o} }

// Units yields the one unit.
func (s *Source) Units(context.Context) iter.Seq2[source.Unit, error] {
	return func(yield func(source.Unit, error) bool) { yield(s.Unit(), nil) }
}

// Unit returns the one unit: all records of the Options.
func (s *Source) Unit() source.Unit { return &unit{&s.opts} }

// Counts say what waits.
type Counts struct {
	Records int64 // that can be read again
	Cut     int64 // of which only the beginning was kept: they cannot
	// CleverTap says that some of the Records need a time zone and an account.
	CleverTap bool
}

// Count counts the records of the Options; those of all tables, because a record's is not known before it is decoded.
func (s *Source) Count(ctx context.Context) (c Counts, err error) {
	where, args := s.opts.where()
	err = s.opts.Pool.QueryRow(ctx, "select count(*) filter (where not "+cut+"), count(*) filter (where "+cut+
		"), coalesce(bool_or(form->>'kind' in ('clevertap', 'clevertap-csv')) filter (where not "+cut+"), false) from "+
		s.opts.table()+" where "+where, args...).Scan(&c.Records, &c.Cut, &c.CleverTap)
	if err != nil {
		return c, fmt.Errorf("count waiting records: %w", err)
	}
	return c, nil
}

// cut is the condition for a record of which only the beginning was kept.
var cut = fmt.Sprintf("(reason = 'event_too_large' and coalesce(raw_size, 0) > %d)", decode.MaxEvent)

func (o *Options) table() string { return pgx.Identifier{o.Schema, "_quarantine"}.Sanitize() }

func (o *Options) where() (string, []any) {
	reasons := make([]string, len(o.Reasons))
	for i, r := range o.Reasons {
		reasons[i] = string(r)
	}
	return "replayed_at is null and (cardinality($1::pg_catalog.text[]) = 0 or reason = any($1))" +
		" and ($2::timestamptz is null or uuid_ts >= $2) and ($3::timestamptz is null or uuid_ts < $3)", []any{reasons, orNull(o.Since), orNull(o.Until)}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// unit are the records that wait when it is opened.
type unit struct{ opts *Options }

// Key implements source.Unit.
func (u *unit) Key() string { return u.opts.Key }

// Name implements source.Unit.
func (u *unit) Name() string { return Name }

// Size implements source.Unit. It is not known.
func (u *unit) Size() int64 { return 0 }

// Kind says that the records are in quarantine already.
func (u *unit) Kind() string { return source.KindReplay }

// Open implements source.Unit. Until the reader is closed no other replay of the source reads: this one waits for the end of
// those before it, so that it sees what they have marked. The reader keeps a connection.
func (u *unit) Open(ctx context.Context, paths *schema.Paths) (source.Reader, error) {
	r := &reader{opts: u.opts, again: newAgain(u.opts, paths)}
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("read quarantine: %w", err), r.Close())
	}
	return r, nil
}

func (r *reader) open(ctx context.Context) (err error) {
	if r.conn, err = r.opts.Pool.Acquire(ctx); err != nil {
		return err
	}
	if r.tx, err = r.conn.BeginTx(ctx, ledger.Options()); err != nil {
		return err
	}
	if err := ledger.Settle(ctx, r.tx); err != nil {
		return err
	}
	if err := Lock(ctx, r.tx, r.opts.Schema); err != nil {
		return err
	}
	where, args := r.opts.where()
	// In the order in which the records were met: of equal ids the first wins.
	r.rows, err = r.tx.Query(ctx, "select id, reason, coalesce(detail, ''), raw, digest, coalesce(form::pg_catalog.text, ''), "+
		"coalesce(occurrence, 1), coalesce(line, 0), coalesce(byte_offset, 0), received_at from "+r.opts.table()+
		" where "+where+" and not "+cut+
		" order by uuid_ts, unit, line, byte_offset, coalesce((form->>'index')::int, 0), id", args...)
	return err
}

// Lock waits for the source's other replays and keeps further ones waiting until the transaction ends.
func Lock(ctx context.Context, tx pgx.Tx, schemaName string) error {
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", "tapline replay "+schemaName); err != nil {
		return fmt.Errorf("wait for other replays: %w", err)
	}
	return nil
}
