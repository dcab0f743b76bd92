package loader_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// waitsForTable asks whether somebody waits for a lock of the table purchase, waitsForRow for the end of a transaction.
const (
	waitsForTable = `select exists (select from pg_locks where not granted and relation = 'clevertap_prod.purchase'::regclass)`
	waitsForRow   = `select exists (select from pg_stat_activity where datname = current_database()
		and wait_event_type = 'Lock' and wait_event = 'transactionid')`
)

// waitUntil waits until a query returns true.
func waitUntil(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if pgtest.Value[bool](t, pool, sql) {
			return
		}
	}
	t.Fatalf("never: %s", sql)
}

// begin opens a transaction that is rolled back at the end of the test, if it is still open then.
func begin(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

func commit(t *testing.T, tx pgx.Tx) {
	t.Helper()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// background starts a load on connections of its own and returns what waits for its end.
func background(t *testing.T, pool *pgxpool.Pool, cfg loader.Config, paths ...string) (wait func() loader.Report) {
	t.Helper()
	own := pgtest.PoolAt(t, pool.Config().ConnString())
	var report loader.Report
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		report, err = tryLoad(t, own, cfg, paths...)
	}()
	t.Cleanup(func() { <-done })
	return func() loader.Report {
		t.Helper()
		<-done
		if err != nil {
			t.Fatalf("load: %v", err)
		}
		return report
	}
}

func TestLoadersEvolveAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"amount":1}`)))
	file := func(prefix, late string) string {
		return write(t, append(events(prefix, 1000),
			track(prefix+"-p", "Purchase", `{"amount":2,"late":`+late+`}`),
			track(prefix+"-n", "New Event", `{"`+prefix+`":1}`),
			track(prefix+"-w", "Purchase", `{"amount":0.25}`))...)
	}
	a, b := file("a", "7"), file("b", `"x"`)
	cfg := loader.Config{ChunkBytes: small}
	var loaded, skipped int64
	for _, wait := range []func() loader.Report{
		background(t, pool, cfg, a), background(t, pool, cfg, b), background(t, pool, cfg, b, a),
	} {
		report := wait()
		loaded, skipped = loaded+report.Loaded, skipped+int64(report.SkippedUnits())
	}
	if loaded != 2006 || skipped != 2 {
		t.Errorf("%d events loaded, %d files skipped; want 2006 and 2", loaded, skipped)
	}
	equal(t, pool, `select count(*), sum(amount) from clevertap_prod.purchase`, []any{int64(2005), 2*499500 + 1 + 4.5})
	equal(t, pool, `select id, a, b from clevertap_prod.new_event order by 1`,
		[]any{"a-n", int64(1), nil}, []any{"b-n", nil, int64(1)})
	equal(t, pool, `select id, amount from clevertap_prod.purchase where id ~ 'w' order by 1`,
		[]any{"a-w", 0.25}, []any{"b-w", 0.25})
	// Whoever came first decided the type of late; no value is lost.
	equal(t, pool, `select id, coalesce(late::text, raw_value) from clevertap_prod.purchase
		left join clevertap_prod._discards on row_id = id where id ~ 'p' order by 1`,
		[]any{"a-p", "7"}, []any{"b-p", pgtest.Value[string](t, pool, `select case pg_typeof(late)::text when 'text' then 'x'
			else '"x"' end from clevertap_prod.purchase limit 1`)})
	consistent(t, pool)
}

// TestTypesChangeBeforeCopy changes types after the loader has read them and made rows of them, before it has the lock. The
// first change is one that COPY does not notice: 8 bytes are 8 bytes.
func TestTypesChangeBeforeCopy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		alter, properties string
		want              []any
	}{
		"same size": {`alter a type double precision`, `{"a":71}`, []any{71.0, nil, nil, nil, nil}},
		"others": {
			`alter b type numeric, alter c type text, alter d type numeric, alter e type text`,
			`{"b":9007199254740993,"c":73,"d":0.5,"e":false}`,
			[]any{nil, "9007199254740993", "73", "0.5", "false"},
		},
		"gone": {`drop a, drop c`, `{"a":71,"c":73}`, []any{int64(71), nil, int64(73), nil, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			load(t, pool, loader.Config{}, write(t, track("1", "Purchase", `{"a":71,"b":72,"c":73,"d":0.5,"e":true}`)))
			tx := begin(t, pool)
			pgtest.Exec(t, tx, `alter table clevertap_prod.purchase `+c.alter)
			wait := background(t, pool, loader.Config{ChunkBytes: small}, write(t, track("2", "Purchase", c.properties)))
			waitUntil(t, pool, waitsForTable)
			commit(t, tx)
			if report := wait(); report.Loaded != 1 || report.Discarded != 0 {
				t.Errorf("report %+v, want one loaded and nothing discarded", report.Counts)
			}
			equal(t, pool, `select a, b::text, c, d::text, e from clevertap_prod.purchase where id = '2'`, c.want)
		})
	}
}

// TestTypeChangesBetweenChunks has somebody change a type while the loader is in the middle of its unit.
func TestTypeChangesBetweenChunks(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"amount":1,"currency":"INR"}`)))
	tx := begin(t, pool)
	pgtest.Exec(t, tx, `insert into clevertap_prod.purchase (id) values ('e-00900')`)
	wait := background(t, pool, loader.Config{ChunkBytes: small}, write(t, events("e", 1000)...))
	waitUntil(t, pool, waitsForRow)
	altered := make(chan error, 1)
	go func() {
		_, err := pool.Exec(t.Context(), `alter table clevertap_prod.purchase alter amount type double precision`)
		altered <- err
	}()
	waitUntil(t, pool, waitsForTable)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait()
	if err := <-altered; err != nil {
		t.Fatal(err)
	}
	load(t, pool, loader.Config{}, write(t, track("new", "Purchase", `{"amount":71}`)))
	equal(t, pool, `select count(*), count(*) filter (where amount = right(id, 5)::int), count(distinct amount)
		from clevertap_prod.purchase where id ~ '^e'`, []any{int64(1000), int64(1000), int64(1000)})
	equal(t, pool, `select amount from clevertap_prod.purchase where id = 'new'`, []any{71.0})
}

// TestBlockedIsNotForgotten has a unit read the catalogue anew after another one has met a column it could not widen.
func TestBlockedIsNotForgotten(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("1", "Payment", `{"a":1}`), track("2", "Purchase", `{"b":2}`)))
	tx := begin(t, pool)
	pgtest.Exec(t, tx, `alter table clevertap_prod.purchase alter b type double precision`)
	wait := background(t, pool, loader.Config{WidenMaxRows: -1},
		write(t, track("3", "Payment", `{"a":1.5}`)), write(t, track("4", "Purchase", `{"b":4}`)))
	waitUntil(t, pool, waitsForTable)
	commit(t, tx)
	if diff := cmp.Diff([][2]string{{"payment", "a"}}, wait().Blocked); diff != "" {
		t.Errorf("blocked (-want +got):\n%s", diff)
	}
	equal(t, pool, `select b from clevertap_prod.purchase order by id`, []any{2.0}, []any{4.0})
}

func TestSomebodyMakesTheColumnFirst(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"amount":1}`)))
	tx := begin(t, pool)
	pgtest.Exec(t, tx, `alter table clevertap_prod.purchase add a text, add b boolean, add c jsonb, add d double precision`)
	wait := background(t, pool, loader.Config{},
		write(t, track("1", "Purchase", `{"a":1.50,"b":2,"c":3,"d":4,"e":5}`), track("2", "Purchase", `{"b":"true"}`)))
	waitUntil(t, pool, waitsForTable)
	commit(t, tx)
	wait()
	equal(t, pool, `select a, b, c, d, e from clevertap_prod.purchase where id <> 'old' order by id`,
		[]any{"1.50", nil, nil, 4.0, int64(5)}, []any{nil, true, nil, nil, nil})
	equal(t, pool, `select row_id, column_name, raw_value, reason from clevertap_prod._discards order by 2`,
		[]any{"1", "b", "2", "type_mismatch"}, []any{"1", "c", "3", "type_mismatch"})
}

func TestSomebodyDropsColumnOrTable(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"column": `alter table clevertap_prod.purchase drop amount`,
		"table":  `drop table clevertap_prod.purchase cascade`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"amount":1}`)))
			tx := begin(t, pool)
			pgtest.Exec(t, tx, sql)
			wait := background(t, pool, loader.Config{ChunkBytes: small}, write(t, events("e", 100)...))
			waitUntil(t, pool, waitsForTable)
			commit(t, tx)
			if report := wait(); report.Loaded != 100 || report.Discarded != 0 {
				t.Errorf("report %+v, want 100 loaded", report.Counts)
			}
			equal(t, pool, `select count(*), sum(amount)::bigint from clevertap_prod.purchase where id ~ '^e'`,
				[]any{int64(100), int64(4950)})
			consistent(t, pool)
		})
	}
}

// TestAnalystReads lets a long query hold its lock while a column has to be added: the load waits, others read on.
func TestAnalystReads(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"amount":1}`)))
	tx := begin(t, pool)
	pgtest.Query(t, tx, `select count(*) from clevertap_prod.tracks`)
	wait := background(t, pool, loader.Config{}, write(t, track("1", "Purchase", `{"late":1}`)))
	for range 3 {
		waitUntil(t, pool, waitsForTable)
		// Behind an ALTER that waits as long as the analyst reads, this would end in an error.
		pgtest.Exec(t, pool, `begin; set local statement_timeout = '20s'; select * from clevertap_prod.tracks; commit`)
	}
	equal(t, pool, `select count(*) from clevertap_prod.purchase`, []any{int64(1)})
	commit(t, tx)
	wait()
	equal(t, pool, `select late from clevertap_prod.purchase order by id`, []any{int64(1)}, []any{nil})
	consistent(t, pool)
}

// TestValueArrivesBeforeWidening has a value committed that no double holds, after the loader has looked and chosen
// double precision, before it has the lock.
func TestValueArrivesBeforeWidening(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"amount":1}`)))
	tx := begin(t, pool)
	pgtest.Exec(t, tx, fmt.Sprintf(`insert into clevertap_prod.purchase (id, amount) values ('big', %d)`, 1<<53+1))
	wait := background(t, pool, loader.Config{}, write(t, track("w", "Purchase", `{"amount":0.5}`)))
	waitUntil(t, pool, waitsForTable)
	commit(t, tx)
	wait()
	equal(t, pool, `select id, amount::text from clevertap_prod.purchase order by id`,
		[]any{"big", "9007199254740993"}, []any{"old", "1"}, []any{"w", "0.5"})
	consistent(t, pool)
}

// TestWidenAskedWhileLocked has a loader ask whether a column can be widened while somebody changes the table for longer than
// one statement waits. That says nothing of the column: no value goes to discards for it.
func TestWidenAskedWhileLocked(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("1", "Purchase", `{"amount":1}`)))
	tx := begin(t, pool)
	pgtest.Exec(t, tx, `lock table clevertap_prod.purchase in access exclusive mode`)
	wait := background(t, pool, loader.Config{}, write(t, track("2", "Purchase", `{"amount":2.5}`)))
	waitUntil(t, pool, waitsForTable)
	// It has given up, and asks anew on another connection.
	first := pgtest.Value[int32](t, pool, `select pid from pg_locks where not granted and relation = 'clevertap_prod.purchase'::regclass
		union all select 0 limit 1`)
	waitUntil(t, pool, fmt.Sprintf(`select exists (select from pg_locks where not granted and pid <> %d
		and relation = 'clevertap_prod.purchase'::regclass and mode = 'AccessShareLock')`, first))
	commit(t, tx)
	if report := wait(); report.Loaded != 1 || report.Discarded != 0 {
		t.Errorf("report %+v, want one loaded and nothing discarded", report.Counts)
	}
	equal(t, pool, `select amount from clevertap_prod.purchase order by id`, []any{1.0}, []any{2.5})
}

// TestWidenAskedOfALostServer ends the connection on which a loader asks whether a column can be widened.
func TestWidenAskedOfALostServer(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("1", "Purchase", `{"amount":1}`)))
	tx := begin(t, pool)
	pgtest.Exec(t, tx, `lock table clevertap_prod.purchase in access exclusive mode`)
	wait := background(t, pool, loader.Config{}, write(t, track("2", "Purchase", `{"amount":2.5}`)))
	waitUntil(t, pool, waitsForTable)
	waitUntil(t, pool, `select coalesce(bool_or(pg_terminate_backend(pid)), false) from pg_locks
		where not granted and relation = 'clevertap_prod.purchase'::regclass`)
	commit(t, tx)
	if report := wait(); report.Loaded != 1 || report.Discarded != 0 {
		t.Errorf("report %+v, want one loaded and nothing discarded", report.Counts)
	}
	equal(t, pool, `select amount from clevertap_prod.purchase order by id`, []any{1.0}, []any{2.5})
}

// TestWidenNeverAnswered has somebody keep a table from everybody else for longer than a loader waits to widen a column. What
// the loader then does with the value is known, and said.
func TestWidenNeverAnswered(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("1", "Purchase", `{"amount":1}`)))
	tx := begin(t, pool)
	pgtest.Exec(t, tx, `lock table clevertap_prod.purchase in access exclusive mode`)
	wait := background(t, pool, loader.Config{WidenWait: time.Millisecond}, write(t, track("2", "Purchase", `{"amount":2.5}`)))
	waitUntil(t, pool, `select exists (select from pg_locks where not granted and relation = 'clevertap_prod.purchase'::regclass
		and mode = 'RowExclusiveLock')`) // it copies without the wider column
	commit(t, tx)
	if report := wait(); report.Loaded != 1 || report.Discards[schema.TypeMismatch] != 1 {
		t.Errorf("report %+v, want one loaded with one discard", report.Counts)
	}
}
