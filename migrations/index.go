package migrations

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/schema"
)

// Index is a btree index to have on a table of events beside its key.
type Index struct {
	Table   string
	Columns []string // in order; 1 to 32 of them
}

// IndexStatus says what became of an Index.
type IndexStatus string

// What becomes of an Index.
const (
	IndexMade    IndexStatus = "made"    // it was built now
	IndexThere   IndexStatus = "there"   // it, or one of somebody else's on the same columns, is there
	IndexWaits   IndexStatus = "waits"   // there is no such table, or a column of it is missing, yet
	IndexBusy    IndexStatus = "busy"    // another session builds the indexes of this schema now
	IndexFailed  IndexStatus = "failed"  // see Err
	IndexMissing IndexStatus = "missing" // EnsureIndexes was not asked to build it
)

// IndexResult is what became of one Index.
type IndexResult struct {
	Index
	// Name is that of the index in Postgres.
	Name   string
	Status IndexStatus
	// Missing is the column that it waits for; empty if it waits for the table.
	Missing string
	// Err is why it failed: a *pgconn.PgError where Postgres refused.
	Err error
}

// DefaultIndexWait is how long the build of an index waits at a time for the transactions of others.
const DefaultIndexWait = 10 * time.Minute

// IndexName returns the name of an index in Postgres, at most 63 bytes. It is the same for the same Index, and another
// one for every other: the digest keeps columns b_c of table a apart from column c of table a_b.
func IndexName(x Index) string {
	const prefix = "_ix_"
	name := x.Table + "_" + strings.Join(x.Columns, "_")
	sum := sha256.Sum256([]byte(x.Table + "\x00" + strings.Join(x.Columns, "\x00")))
	hash := "_" + hex.EncodeToString(sum[:4])
	if room := schema.MaxIdentifier - len(prefix) - len(hash); len(name) > room {
		name = strings.ToValidUTF8(name[:room], "")
	}
	return prefix + name + hash
}

// EnsureIndexes builds those of indexes that are not there, one after the other and concurrently: loads and readers go on
// meanwhile. An invalid one, left by a build that was killed, is dropped and built again. Indexes that are not asked for
// any more stay. Nothing is done while another session does the same.
//
// wait is how long each build waits at a time for transactions of others that may use the table; 0 means
// DefaultIndexWait. One that cannot be built does not stop the others: its result has the error. The error that is
// returned is of the connection, or ErrManaged.
//
// It must not be called with a transaction open anywhere that waits for it: a build waits for all transactions that are
// older than it.
func (m *Migrator) EnsureIndexes(ctx context.Context, indexes []Index, wait time.Duration) ([]IndexResult, error) {
	if m.options.Managed {
		return nil, ErrManaged
	}
	if wait <= 0 {
		wait = DefaultIndexWait
	}
	return m.indexes(ctx, indexes, func(s *session, out []IndexResult) ([]IndexResult, error) {
		return s.ensureIndexes(ctx, indexes, out, wait)
	})
}

// CheckIndexes says which of indexes are there, without building any.
func (m *Migrator) CheckIndexes(ctx context.Context, indexes []Index) ([]IndexResult, error) {
	return m.indexes(ctx, indexes, func(_ *session, out []IndexResult) ([]IndexResult, error) { return out, nil })
}

// indexes looks at indexes and lets do have the results if any is missing.
func (m *Migrator) indexes(ctx context.Context, indexes []Index, do func(*session, []IndexResult) ([]IndexResult, error)) ([]IndexResult, error) {
	if len(indexes) == 0 {
		return nil, nil
	}
	var out []IndexResult
	err := m.read(ctx, func(s *session) (err error) {
		if out, err = s.lookAtIndexes(ctx, indexes); err != nil {
			return err
		}
		if !slices.ContainsFunc(out, func(r IndexResult) bool { return r.Status == IndexMissing }) {
			return nil
		}
		out, err = do(s, out)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make indexes of schema %s: %w", m.schema, err)
	}
	return out, nil
}

// lookAtIndexes says of each index whether it is there, missing, or waits.
func (s *session) lookAtIndexes(ctx context.Context, indexes []Index) ([]IndexResult, error) {
	tables, err := catalog.Read(ctx, s.conn, s.schema)
	if err != nil {
		return nil, err
	}
	have, err := catalog.Indexes(ctx, s.conn, s.schema)
	if err != nil {
		return nil, err
	}
	out := make([]IndexResult, len(indexes))
	for i, x := range indexes {
		r := &out[i]
		*r = IndexResult{Index: x, Name: IndexName(x), Status: IndexMissing}
		t := tables[x.Table]
		switch {
		case t == nil:
			r.Status = IndexWaits
		case t.View:
			r.Status, r.Err = IndexFailed, errors.New("it is a view: the tables that it shows can have indexes")
		case slices.ContainsFunc(have, func(h catalog.Index) bool { return serves(h, x) }):
			r.Status = IndexThere
		default:
			for _, c := range x.Columns {
				if t.Column(c) == nil {
					r.Status, r.Missing = IndexWaits, c
					break
				}
			}
		}
	}
	return out, nil
}

// serves reports whether an index is as good as the one that is wanted.
func serves(have catalog.Index, want Index) bool {
	return have.Table == want.Table && have.Valid && !have.Partial && have.Method == "btree" &&
		slices.Equal(have.Columns, want.Columns)
}

// indexKey is the key of the advisory lock under which the indexes of a schema are built. It is not the one of
// migrations: whoever waits for that has a snapshot, and the build would wait for that session and it for the build. For
// the same reason nobody waits for this one.
func indexKey(schemaName string) int64 { return lockKey("\x00indexes of " + schemaName) }

// ensureIndexes builds what is missing under that lock. The connection is closed, with its locks, if it returns an error.
func (s *session) ensureIndexes(ctx context.Context, indexes []Index, out []IndexResult, wait time.Duration) ([]IndexResult, error) {
	var had bool
	err := s.conn.QueryRow(ctx, "select pg_catalog.pg_try_advisory_lock($1)", indexKey(s.schema)).Scan(&had)
	if err != nil {
		return nil, err
	}
	if !had {
		for i := range out {
			if out[i].Status == IndexMissing {
				out[i].Status = IndexBusy
			}
		}
		return out, nil
	}
	if out, err = s.lookAtIndexes(ctx, indexes); err != nil { // another session may just have been done
		return nil, err
	}
	if err := s.setLockTimeout(ctx, wait); err != nil {
		return nil, err
	}
	for i := range out {
		if err := s.ensureIndex(ctx, &out[i]); err != nil {
			return nil, err
		}
	}
	if err := s.setLockTimeout(ctx, s.options.LockTimeout); err != nil {
		return nil, err
	}
	_, err = s.conn.Exec(ctx, "select pg_catalog.pg_advisory_unlock($1)", indexKey(s.schema))
	return out, err
}

func (s *session) setLockTimeout(ctx context.Context, d time.Duration) error {
	_, err := s.conn.Exec(ctx, "set lock_timeout = "+strconv.FormatInt(max(1, d.Milliseconds()), 10))
	return err
}

// ensureIndex builds one index. An error of Postgres is the result's; another one is returned.
func (s *session) ensureIndex(ctx context.Context, r *IndexResult) error {
	if r.Status != IndexMissing {
		return nil
	}
	start := time.Now()
	err := s.dropIndex(ctx, r.Name)
	if err == nil {
		_, err = s.conn.Exec(ctx, createIndex(s.schema, r.Index))
	}
	switch {
	case err == nil:
		r.Status = IndexMade
		s.options.Logger.InfoContext(ctx, "made index", slog.String("schema", s.schema), slog.String("table", r.Table),
			slog.String("index", r.Name), slog.Duration("took", time.Since(start)))
		return nil
	case code(err) == "" || ctx.Err() != nil || s.conn.IsClosed():
		return err
	}
	r.Status, r.Err = IndexFailed, err
	// What is left costs every load time and serves nobody.
	if err := s.dropIndex(ctx, r.Name); err != nil {
		r.Err = fmt.Errorf("%w; what was built of it is left as invalid index %s, which the next try drops: %w", r.Err, r.Name, err)
	}
	return nil
}

// dropIndex drops what a build has left under our name.
func (s *session) dropIndex(ctx context.Context, name string) error {
	var left bool
	err := s.conn.QueryRow(ctx, `select exists (select from pg_catalog.pg_class c
		join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_index x on x.indexrelid = c.oid
		where n.nspname = $1 and c.relname = $2 and not x.indisvalid)`, s.schema, name).Scan(&left)
	if err != nil || !left {
		return err
	}
	_, err = s.conn.Exec(ctx, "drop index concurrently if exists "+qualified(s.schema, name))
	return err
}

func createIndex(schemaName string, x Index) string {
	columns := make([]string, len(x.Columns))
	for i, c := range x.Columns {
		columns[i] = ident(c)
	}
	return "create index concurrently " + ident(IndexName(x)) + " on " + qualified(schemaName, x.Table) +
		" (" + strings.Join(columns, ", ") + ")"
}
