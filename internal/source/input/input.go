// Package input makes one source of what people name as their input: files, folders and globs, the standard input, and
// URLs of object stores, in any mixture.
package input

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/blob"
	"github.com/tapline/tapline/internal/source/file"
)

// Options say how the input is read. With File.Watch the source goes on for ever: it yields what is new.
type Options struct {
	File file.Options
	// Since and Until bound the days of objects whose names tell one, both included. The zero time bounds nothing.
	Since, Until time.Time
	// Known returns which units are loaded, see Known. Defaults to none; the loader knows then, but it takes a request for
	// each object's bytes.
	Known func(ctx context.Context, keys []string) (map[string]bool, error)
}

// Source is the input in the order in which it was named.
type Source struct {
	parts []part
	watch bool
}

type part interface {
	source.Source
	Close() error
}

var _ source.Source = (*Source)(nil)

// Open returns the source of paths and URLs. It finds the stores' credentials, but lists nothing yet. The error names a
// path that is not there, a URL that is none or options that contradict each other. Close the Source after use, when
// nobody loads from it.
func Open(ctx context.Context, paths []string, o Options) (*Source, error) {
	s := &Source{watch: o.File.Watch}
	if len(paths) == 0 {
		paths = []string{} // file.New says what is missing
	}
	for from := 0; from < max(1, len(paths)); {
		to := from + 1
		for to < len(paths) && blob.IsURL(paths[to]) == blob.IsURL(paths[from]) {
			to++
		}
		p, err := open(ctx, paths[from:min(to, len(paths))], o)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.parts = append(s.parts, p)
		from = to
	}
	return s, nil
}

// open opens paths that are all URLs, or none.
func open(ctx context.Context, paths []string, o Options) (part, error) {
	if len(paths) > 0 && blob.IsURL(paths[0]) {
		return blob.New(ctx, paths, blob.Options{File: o.File, Since: o.Since, Until: o.Until, Known: o.Known})
	}
	return file.New(paths, o.File)
}

// Units implements source.Source. While watching, all parts are watched at once.
func (s *Source) Units(ctx context.Context) iter.Seq2[source.Unit, error] {
	if s.watch && len(s.parts) > 1 {
		return s.merge(ctx)
	}
	return func(yield func(source.Unit, error) bool) {
		for _, p := range s.parts {
			for u, err := range p.Units(ctx) {
				if !yield(u, err) {
					return
				}
			}
		}
	}
}

// merge yields the units of all parts as they come.
func (s *Source) merge(ctx context.Context) iter.Seq2[source.Unit, error] {
	type found struct {
		u   source.Unit
		err error
	}
	return func(yield func(source.Unit, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		all := make(chan found)
		var busy sync.WaitGroup
		for _, p := range s.parts {
			busy.Go(func() {
				for u, err := range p.Units(ctx) {
					select {
					case all <- found{u, err}:
					case <-ctx.Done():
						return
					}
				}
			})
		}
		go func() { busy.Wait(); close(all) }()
		defer func() {
			cancel()
			for range all { // they end
			}
		}()
		for f := range all {
			if !yield(f.u, f.err) {
				return
			}
		}
	}
}

// Remote reports whether a part of the input is in an object store: then it is not cheap to list it once more.
func (s *Source) Remote() bool {
	for _, p := range s.parts {
		if _, ok := p.(*blob.Source); ok {
			return true
		}
	}
	return false
}

// Close releases what the parts hold.
func (s *Source) Close() error {
	var err error
	for _, p := range s.parts {
		err = errors.Join(err, p.Close())
	}
	return err
}

// Querier runs queries: a pool, a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// undefinedTable is Postgres's code for a table, or the schema it would be in, that is not there.
const undefinedTable = "42P01"

// Known returns an Options.Known that asks the ledger in a source's schema. Of a schema that is yet to be made nothing is
// known.
func Known(q Querier, schemaName string) func(ctx context.Context, keys []string) (map[string]bool, error) {
	units := pgx.Identifier{schemaName, "_units"}.Sanitize()
	return func(ctx context.Context, keys []string) (map[string]bool, error) {
		known := make(map[string]bool, len(keys))
		rows, err := q.Query(ctx, "select unit_key from "+units+" where unit_key = any($1)", keys)
		if err == nil {
			var key string
			_, err = pgx.ForEachRow(rows, []any{&key}, func() error { known[key] = true; return nil })
		}
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == undefinedTable {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look up units: %w", err)
		}
		return known, nil
	}
}
