package copyin_test

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"

	"github.com/tapline/tapline/internal/batch"
	"github.com/tapline/tapline/internal/copyin"
	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// rows makes the rows of one table out of Segment calls of event E.
func rows(t rapid.TB, calls ...string) *batch.Table {
	t.Helper()
	dec, err := decode.New(decode.Options{Kind: decode.Segment, Paths: schema.NewPaths(0)})
	if err != nil {
		t.Fatalf("new decoder: %v", err)
	}
	state, chunk := schema.NewState(nil, schema.Options{}), batch.NewChunk(1<<24)
	var ev schema.Event
	var row schema.Row
	for _, call := range calls {
		line := `{"type":"track","event":"E","userId":"u",` + call + `}`
		if !dec.Line([]byte(line), &ev) || ev.Reason != "" {
			t.Fatalf("decode %s: %s", line, ev.Reason)
		}
		if reason := state.Row(&ev, 0, &row); reason != "" {
			t.Fatalf("row of %s: %s", line, reason)
		}
		chunk.Add(&row)
	}
	return chunk.Tables()[0]
}

const tables = `create schema s; create table s.e (id text collate "C" primary key, received_at timestamptz, uuid_ts timestamptz,
	event text, event_text text, "timestamp" timestamptz, user_id text,
	i bigint, f double precision, b boolean, s text, t timestamptz, od_d text)`

func TestEveryTypeArrives(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, tables)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	defer conn.Release()
	var table copyin.Table
	table.Prepare(rows(
		t,
		`"messageId":"b","properties":{"i":-9223372036854775808,"f":-0.0,"b":true,"s":"ü\n\t\"","t":"0001-01-01T00:00:00.000001Z","od_d":"x"}`,
		`"messageId":"a","properties":{}`,
		`"messageId":"c","properties":{"i":7,"f":1e-308,"b":false,"s":"","t":"9999-12-31T23:59:59.999999Z"}`,
		`"messageId":"a","properties":{"i":1}`,
	), []copyin.Constant{{Column: "uuid_ts", Field: copyin.TimeField(1)}})
	if diff := cmp.Diff([]int32{1, 0, 2}, table.Rows); diff != "" {
		t.Errorf("order by id, the first of equal ids (-want +got):\n%s", diff)
	}
	w := copyin.Writer{Schema: "s"}
	n, err := w.Write(t.Context(), conn.Conn().PgConn(), &table, "")
	if err != nil || n != 3 {
		t.Fatalf("write: %d rows, %v; want 3", n, err)
	}
	got := pgtest.Query(t, pool, `select id, i, f::text, b, s, extract(epoch from t)::text, extract(epoch from uuid_ts)::text from s.e order by id`)
	want := [][]any{
		{"a", nil, nil, nil, nil, nil, "0.000001"},
		{"b", int64(-9223372036854775808), "-0", true, "ü\n\t\"", "-62135596799.999999", "0.000001"},
		{"c", int64(7), "1e-308", false, "", "253402300799.999999", "0.000001"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestNumericIsExact sends random decimals through the binary form of numeric.
func TestNumericIsExact(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, `create schema s; create table s.e (id text primary key, received_at timestamptz, event text,
		event_text text, "timestamp" timestamptz, user_id text, n numeric)`)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	defer conn.Release()
	rapid.Check(t, func(rt *rapid.T) {
		// A zero keeps its sign only in double precision: -0.0 is a discard in a numeric column.
		decimal := rapid.StringMatching(`-?(0|[1-9][0-9]{0,37})(\.[0-9]{1,38})?`).
			Filter(func(s string) bool { return !strings.HasPrefix(s, "-") || strings.ContainsAny(s, "123456789") })
		// The first value, an integer beyond bigint, makes the column numeric.
		numbers := append([]string{"10000000000000000000"}, rapid.SliceOfN(decimal, 1, 20).Draw(rt, "numbers")...)
		var calls []string
		for i, n := range numbers {
			calls = append(calls, fmt.Sprintf(`"messageId":"%03d","properties":{"n":%s}`, i, n))
		}
		var table copyin.Table
		table.Prepare(rows(rt, calls...), nil)
		w := copyin.Writer{Schema: "s"}
		if _, err := conn.Exec(t.Context(), "truncate s.e"); err != nil {
			rt.Fatalf("truncate: %v", err)
		}
		if _, err := w.Write(t.Context(), conn.Conn().PgConn(), &table, ""); err != nil {
			rt.Fatalf("write: %v", err)
		}
		found, err := conn.Query(t.Context(), "select n::text from s.e order by id")
		if err != nil {
			rt.Fatalf("query: %v", err)
		}
		got, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			rt.Fatalf("read: %v", err)
		}
		for i, n := range numbers {
			want, _ := new(big.Rat).SetString(n)
			have, ok := new(big.Rat).SetString(got[i])
			if !ok || want.Cmp(have) != 0 {
				rt.Errorf("%s arrived as %s", n, got[i])
			}
		}
	})
}

// TestStreamIsTheSameInAnyPieces reads one stream of several segments with buffers of all sizes.
func TestStreamIsTheSameInAnyPieces(t *testing.T) {
	t.Parallel()
	var calls []string
	const n = 700
	for i := range n {
		calls = append(calls, fmt.Sprintf(`"messageId":"%d","properties":{"s":%q,"i":%d}`, i*7919%n, strings.Repeat("x", i*37%30_000), i))
	}
	var r batch.Record
	rows(t, calls...).Record(&r)
	var order copyin.Order
	sorted := order.Sort(&r)
	if len(sorted) != n {
		t.Fatalf("%d rows, want %d", len(sorted), n)
	}
	var e copyin.Encoder
	read := func(size int) [32]byte {
		e.Reset(&r, sorted, nil)
		h := sha256.New()
		p := make([]byte, size)
		for {
			n, err := e.Read(p)
			h.Write(p[:n])
			if err != nil {
				return [32]byte(h.Sum(nil))
			}
		}
	}
	want := read(32 << 20)
	for _, size := range []int{3, 18, 19, 20, 21, 1000, 65531} {
		if got := read(size); got != want {
			t.Errorf("the stream read in pieces of %d bytes differs", size)
		}
	}
}

var _ copyin.Conn = (*pgconn.PgConn)(nil)
