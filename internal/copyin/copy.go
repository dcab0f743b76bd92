package copyin

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/batch"
)

// Conn is the part of pgconn.PgConn that a COPY needs.
type Conn interface {
	CopyFrom(ctx context.Context, r io.Reader, sql string) (pgconn.CommandTag, error)
}

// Writer copies records into the tables of one schema. It keeps the statements it made.
type Writer struct {
	Schema string

	enc  Encoder
	sql  strings.Builder
	last map[string]statement // by table
}

// statement is the COPY of a table for a set of columns.
type statement struct {
	columns []string
	sql     string
}

// Write copies the given rows of r, each with the constants, and returns how many Postgres took.
func (w *Writer) Write(ctx context.Context, c Conn, r *batch.Record, rows []int32, consts []Constant) (int64, error) {
	w.enc.Reset(r, rows, consts)
	tag, err := c.CopyFrom(ctx, &w.enc, w.statement(r, consts))
	if err != nil {
		return 0, fmt.Errorf("copy into %s.%s: %w", w.Schema, r.Table, err)
	}
	return tag.RowsAffected(), nil
}

func (w *Writer) statement(r *batch.Record, consts []Constant) string {
	if s, ok := w.last[r.Table]; ok && s.fits(r.Names, consts) {
		return s.sql
	}
	s := statement{columns: slices.Clone(r.Names)}
	for _, c := range consts {
		s.columns = append(s.columns, c.Column)
	}
	w.sql.Reset()
	w.sql.WriteString("copy ")
	w.sql.WriteString(pgx.Identifier{w.Schema, r.Table}.Sanitize())
	for i, n := range s.columns {
		w.sql.WriteString([]string{" (", ", "}[min(i, 1)])
		w.sql.WriteString(pgx.Identifier{n}.Sanitize())
	}
	w.sql.WriteString(") from stdin (format binary)")
	s.sql = w.sql.String()
	if w.last == nil {
		w.last = map[string]statement{}
	}
	w.last[r.Table] = s
	return s.sql
}

func (s statement) fits(names []string, consts []Constant) bool {
	if len(s.columns) != len(names)+len(consts) {
		return false
	}
	for i, n := range names {
		if s.columns[i] != n {
			return false
		}
	}
	for i, c := range consts {
		if s.columns[len(names)+i] != c.Column {
			return false
		}
	}
	return true
}
