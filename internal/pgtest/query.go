package pgtest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Conn is a connection, a pool or a transaction of pgx.
type Conn interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Query returns the rows of a statement, values in the Go types that pgx chooses for theirs. A failure ends the test.
func Query(t testing.TB, conn Conn, sql string, args ...any) [][]any {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("query %s: %v", sql, err)
	}
	defer rows.Close()
	var out [][]any
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatalf("query %s: %v", sql, err)
		}
		out = append(out, values)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("query %s: %v", sql, err)
	}
	return out
}

// Value returns the only column of the only row of a statement. A failure, or any other shape, ends the test.
func Value[T any](t testing.TB, conn Conn, sql string, args ...any) T {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("query %s: %v", sql, err)
	}
	value, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("query %s: %v", sql, err)
	}
	return value
}

// Exec runs a statement and returns how many rows it touched. A failure ends the test.
func Exec(t testing.TB, conn Conn, sql string, args ...any) int64 {
	t.Helper()
	tag, err := conn.Exec(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("execute %s: %v", sql, err)
	}
	return tag.RowsAffected()
}
