package dictionary_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/dictionary"
	"github.com/tapline/tapline/internal/pgtest"
)

func TestReadAndMeasure(t *testing.T) {
	t.Parallel()
	pool := loaded(t)
	pgtest.Exec(t, pool, `create table clevertap_prod.mine (a int); create view clevertap_prod.my_view as select 1 as x; analyze`)
	s := measured(t, pool, false)
	signed := s.Table("signed_up")
	if signed == nil || signed.Event != "Signed Up" || signed.Comment == "" || !signed.Exact {
		t.Fatalf("signed_up: %+v", signed)
	}
	if rows := pgtest.Value[int64](t, pool, "select count(*) from clevertap_prod.signed_up"); signed.Rows != rows {
		t.Errorf("signed_up has %d rows, read %d", rows, signed.Rows)
	}
	if signed.TableBytes <= 0 || signed.IndexBytes <= 0 || len(signed.Indexes) != 3 {
		t.Errorf("sizes %d and %d, %d indexes", signed.TableBytes, signed.IndexBytes, len(signed.Indexes))
	}
	newest := pgtest.Value[time.Time](t, pool, "select max(received_at) from clevertap_prod.signed_up")
	if signed.Newest == nil || !signed.Newest.Equal(newest) {
		t.Errorf("newest %v, want %v", signed.Newest, newest)
	}
	method := signed.Column("method")
	if method == nil || method.Type != "text" || cmp.Diff([]string{"Method"}, method.Path) != "" || method.Filled == nil || method.Comment == "" {
		t.Errorf("column method: %+v", method)
	}
	tracks := s.Table("tracks")
	if all := pgtest.Value[int64](t, pool, "select count(*) from clevertap_prod.tracks"); tracks.Rows != all || !tracks.Exact || tracks.Newest == nil {
		t.Errorf("tracks: %+v, want %d rows", tracks, all)
	}
	if len(s.Others) != 2 || s.Others[0].Name != "mine" || s.Others[1].Kind != "view" {
		t.Errorf("others: %+v", s.Others)
	}
}

// TestExactFillRates wants what counting says, whatever the statistics know.
func TestExactFillRates(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, file(t,
		`{"type":"track","event":"A","messageId":"1","userId":"u","timestamp":"2026-01-15T10:00:00Z","properties":{"x":1}}`,
		`{"type":"track","event":"A","messageId":"2","userId":"u","timestamp":"2026-01-15T10:00:00Z"}`,
		`{"type":"track","event":"A","messageId":"3","userId":"u","timestamp":"2026-01-15T10:00:00Z"}`,
		`{"type":"track","event":"A","messageId":"4","userId":"u","timestamp":"2026-01-15T10:00:00Z"}`))
	pgtest.Exec(t, pool, "analyze")
	pgtest.Exec(t, pool, `update clevertap_prod.a set x = 2 where id <> '4'`)
	s := measured(t, pool, true)
	a := s.Table("a")
	if got := a.Column("x").Filled; got == nil || *got != 0.75 || !a.FilledExact || !a.Exact || a.Rows != 4 {
		t.Errorf("x is filled %v in %d rows", got, a.Rows)
	}
	if empty := s.Table("app_launched"); empty.Rows != 0 || !empty.Exact || empty.Newest != nil || empty.Column("id").Filled != nil {
		t.Errorf("app_launched: %+v", empty)
	}
	if tracks := s.Table("tracks"); tracks.Rows != 4 || !tracks.Exact {
		t.Errorf("tracks has %d rows", tracks.Rows)
	}
}

// TestNewestAfterRowsAreGone deletes the row that the statistics know as the newest.
func TestNewestAfterRowsAreGone(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, file(t, `{"type":"track","event":"A","messageId":"1","userId":"u","timestamp":"2026-01-15T10:00:00Z"}`,
		`{"type":"track","event":"A","messageId":"2","userId":"u","timestamp":"2026-01-15T10:00:00Z"}`))
	pgtest.Exec(t, pool, `update clevertap_prod.a set received_at = '2026-02-01' where id = '1'`)
	pgtest.Exec(t, pool, `update clevertap_prod.a set received_at = '2026-03-01' where id = '2'`)
	pgtest.Exec(t, pool, `analyze clevertap_prod.a`)
	for _, want := range []string{"2026-03-01", "2026-02-01"} {
		got := measured(t, pool, false).Table("a").Newest
		if got == nil || got.UTC().Format(time.DateOnly) != want {
			t.Errorf("newest %v, want %s", got, want)
		}
		pgtest.Exec(t, pool, `delete from clevertap_prod.a where id = '2'`)
	}
}

func TestReadOfNoSchema(t *testing.T) {
	t.Parallel()
	s, err := dictionary.Read(t.Context(), pgtest.Pool(t), "clevertap_prod")
	if err != nil || len(s.Tables) != 0 || s.Ready() {
		t.Errorf("%+v, %v", s, err)
	}
}
