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

	sql  strings.Builder
	last map[string]statement // by table
	send sender
}

// statement is the COPY of a table for a set of columns.
type statement struct {
	columns []string
	sql     string
}

// Table is a table's part of a chunk on its way into Postgres.
type Table struct {
	Record batch.Record
	// Rows are the rows to write, in the order in which they are written.
	Rows []int32

	consts []Constant
	enc    Encoder
	order  Order
}

// Prepare takes the rows of t in the order of their ids, without those whose id an earlier one has, and begins to encode
// them, each followed by the constants.
func (t *Table) Prepare(rows *batch.Table, consts []Constant) {
	rows.Record(&t.Record)
	t.consts = consts
	t.Choose(t.order.Sort(&t.Record))
}

// PrepareRows takes the given rows of a table without a key.
func (t *Table) PrepareRows(rows *batch.Table, chosen []int32, consts []Constant) {
	rows.Record(&t.Record)
	t.consts = consts
	t.Choose(chosen)
}

// Choose leaves only the given rows to write.
func (t *Table) Choose(rows []int32) {
	t.Rows = rows
	t.enc.Reset(&t.Record, rows, t.consts)
	t.enc.Prepare()
}

// Write copies the rows of t and returns how many Postgres took. Afterwards nothing of t is in use. before are statements
// to run first, each with its semicolon: they cost no round trip.
func (w *Writer) Write(ctx context.Context, c Conn, t *Table, before string) (int64, error) {
	var stream io.Reader = &t.enc
	if pg, ok := c.(*pgconn.PgConn); ok {
		stream = w.send.from(&t.enc, pg)
	}
	tag, err := c.CopyFrom(ctx, stream, before+w.statement(&t.Record, t.consts))
	t.enc.Wait()
	if err != nil {
		return 0, fmt.Errorf("copy into %s.%s: %w", w.Schema, t.Record.Table, err)
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
