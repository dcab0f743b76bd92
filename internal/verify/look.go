package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/schema"
)

// look looks for the records of a table that are pending: in the table, then in quarantine.
func (c *comparison) look(ctx context.Context, table string) error {
	records := c.pending[table]
	delete(c.pending, table)
	c.waits -= len(records)
	if len(records) == 0 {
		return nil
	}
	there, err := c.there(ctx, table, records)
	if err != nil {
		return err
	}
	var absent []record
	for _, r := range records {
		day, ok := there[r.id]
		if !ok {
			absent = append(absent, r)
			continue
		}
		c.row(key{table, r.day}, "").Rows++
		if r.day != "" {
			c.found[key{table, day}]++
		}
	}
	waits, err := c.waiting(ctx, absent)
	if err != nil {
		return err
	}
	for _, r := range absent {
		row := c.row(key{table, r.day}, "")
		if waits[r.quarantineID(c.Schema)] {
			row.Quarantined++
		} else {
			row.missing(r.id)
		}
	}
	return nil
}

// there returns which of the records are in the table, and the local day that it has for them.
func (c *comparison) there(ctx context.Context, table string, records []record) (map[string]string, error) {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.id
	}
	out := make(map[string]string, len(ids))
	var id, day string
	err := c.query(ctx, "select id, coalesce(("+c.local()+")::text, '') from "+pgx.Identifier{c.Schema, table}.Sanitize()+" where id = any($1)",
		[]any{ids}, []any{&id, &day}, func() { out[id] = day })
	return out, err
}

// local is the local day of a row as an expression of SQL. The name of the zone is one that Go knows; it is quoted all the same.
func (c *comparison) local() string {
	return `("timestamp" at time zone ` + quote(c.Location.String()) + `)::date`
}

func quote(s string) string {
	out := []byte{'\''}
	for i := range len(s) {
		if s[i] == '\'' {
			out = append(out, '\'')
		}
		out = append(out, s[i])
	}
	return string(append(out, '\''))
}

// query runs a query and calls each for its rows. A table that is not there has none.
func (c *comparison) query(ctx context.Context, sql string, args, to []any, each func()) error {
	rows, _ := c.Pool.Query(ctx, sql, args...) // ForEachRow has its error
	_, err := pgx.ForEachRow(rows, to, func() error {
		each()
		return nil
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000") {
		return nil
	}
	if err != nil {
		return &databaseError{fmt.Errorf("compare with schema %s: %w", c.Schema, err)}
	}
	return nil
}

// waiting returns which of the records wait in quarantine, by its ids.
func (c *comparison) waiting(ctx context.Context, records []record) (map[string]bool, error) {
	out := map[string]bool{}
	if len(records) == 0 {
		return out, nil
	}
	ids := make([]string, len(records))
	for i := range records {
		ids[i] = records[i].quarantineID(c.Schema)
	}
	var id string
	err := c.query(ctx, "select id from "+pgx.Identifier{c.Schema, "_quarantine"}.Sanitize()+" where id = any($1) and replayed_at is null",
		[]any{ids}, []any{&id}, func() { out[id] = true })
	return out, err
}

// quarantineID is the key under which a record waits that could be read and yet be no row.
func (r *record) quarantineID(schemaName string) string {
	return quarantineID(schemaName, sha256.Sum256(append(r.raw[:], r.id...)), 1)
}

// quarantineID is the key of the n-th record of a digest in quarantine, as the loader makes it.
func quarantineID(schemaName string, digest [32]byte, n uint64) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%x\x00%d", schemaName, digest, n))
	return "q_" + hex.EncodeToString(h[:16])
}

// bad looks for a record that cannot be read: it waits in quarantine, or did so and was replayed.
func (c *comparison) bad(ctx context.Context, ev *schema.Event) error {
	digest, n := ev.RawDigest(), ev.Nth
	if n == 0 {
		var err error
		if n, err = c.nth.Next(digest); err != nil {
			return err
		}
	}
	row := c.row(key{}, "(cannot be read)")
	row.Source++
	id, there := quarantineID(c.Schema, digest, n), false
	var one int
	err := c.query(ctx, "select 1 from "+pgx.Identifier{c.Schema, "_quarantine"}.Sanitize()+" where id = $1",
		[]any{id}, []any{&one}, func() { there = true })
	switch {
	case err != nil:
		return err
	case there:
		row.Quarantined++
	default:
		row.missing(id)
	}
	return nil
}

// extra counts the rows of the events' tables, day by day, that the source does not have. Rows whose own time could not be read have
// the day of their load, which says nothing of where they belong: they are left out.
func (c *comparison) extra(ctx context.Context) error {
	events := map[string]string{}
	if c.Events == nil {
		return nil
	}
	for _, e := range c.Events() {
		events[schema.TableOf(&schema.Event{Call: schema.Track, Name: []byte(e)})] = e
	}
	for _, table := range slices.Sorted(maps.Keys(events)) {
		var day string
		var n int64
		err := c.query(ctx, "select d::text, count(*) from (select "+c.local()+" as d from "+pgx.Identifier{c.Schema, table}.Sanitize()+
			` where original_timestamp is not null and "timestamp" >= $1::date::timestamp at time zone `+quote(c.Location.String())+
			` and "timestamp" < ($2::date + 1)::timestamp at time zone `+quote(c.Location.String())+") x group by 1",
			[]any{c.From, c.To}, []any{&day, &n}, func() {
				if more := n - c.found[key{table, day}]; more > 0 && !c.untold[key{table, day}] {
					c.row(key{table, day}, events[table]).Extra = more
				}
			})
		if err != nil {
			return err
		}
	}
	return nil
}
