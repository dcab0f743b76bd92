package loader_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/refusal"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// noise is text that Postgres cannot compress.
func noise(n int) string {
	r := rand.New(rand.NewChaCha8([32]byte{}))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

// raises makes a trigger that does something for each row of a table before it is inserted.
func raises(table, body string) string {
	return `create function public.refuse() returns trigger language plpgsql as $$ begin ` + body + ` return new; end $$;
		create trigger refuse before insert on clevertap_prod.` + table + ` for each row execute function public.refuse()`
}

// TestRejectedByDatabase loads files of many chunks with rows in the first and in a late chunk that something in the
// table refuses which somebody has added.
func TestRejectedByDatabase(t *testing.T) {
	t.Parallel()
	const n = 1500
	for name, c := range map[string]struct {
		sql    string
		first  string // properties of the row that is refused in the first chunk, and
		late   string // of the one in a late chunk
		detail string
	}{
		"check": {
			`alter table clevertap_prod.purchase add constraint no_fun check (amount <> -13)`,
			`{"amount":-13,"currency":"EUR"}`, `{"amount":-13}`,
			`new row for relation "purchase" violates check constraint "no_fun" (SQLSTATE 23514)`,
		},
		"not null": {
			`alter table clevertap_prod.purchase alter currency set not null`,
			`{"amount":1}`, `{"amount":2}`,
			`null value in column "currency" of relation "purchase" violates not-null constraint (SQLSTATE 23502)`,
		},
		"trigger": {
			raises("purchase", `if new.amount in (-2, -3) then raise exception 'amounts are positive'; end if;`),
			`{"amount":-2}`, `{"amount":-3}`,
			`amounts are positive (SQLSTATE P0001)`,
		},
		"unique index": {
			`create unique index one_each on clevertap_prod.purchase (amount)`,
			`{"amount":-1}`, `{"amount":7}`, // -1 is there from before, 7 from the first chunk
			`duplicate key value violates unique constraint "one_each" (SQLSTATE 23505)`,
		},
		"foreign key": {
			`create table public.money (c text primary key); insert into public.money values ('EUR');
			alter table clevertap_prod.purchase add constraint real foreign key (currency) references public.money`,
			`{"amount":1,"currency":"XXX"}`, `{"amount":2,"currency":"YYY"}`,
			`insert or update on table "purchase" violates foreign key constraint "real" (SQLSTATE 23503)`,
		},
		"index on an expression": {
			`create index ratio on clevertap_prod.purchase ((100 / (amount + 13)))`,
			`{"amount":-13}`, `{"amount":-13,"currency":"XXX"}`,
			`division by zero (SQLSTATE 22012)`,
		},
		"index entry too large": {
			`create index notes on clevertap_prod.purchase (note)`,
			`{"note":"` + noise(5000) + `"}`, `{"amount":1,"note":"` + noise(6000) + `"}`,
			`exceeds btree version 4 maximum 2704 for index "notes" (SQLSTATE 54000)`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"amount":-1,"currency":"EUR","note":"x"}`)))
			pgtest.Exec(t, pool, c.sql)
			lines := events("e", n)
			lines[20], lines[n-20] = track("x-first", "Purchase", c.first), track("x-late", "Purchase", c.late)
			// What comes with them is not lost: another table, a new column, a duplicate, a record for quarantine.
			lines = append(lines, track("o", "Other", `{"v":1}`), lines[3], `{`,
				track("new", "Purchase", `{"amount":-7,"currency":"EUR","later":true}`))

			report := load(t, pool, loader.Config{ChunkBytes: small}, write(t, lines...))
			want := loader.Counts{Accepted: n + 4, Loaded: n, Quarantined: 3, Duplicates: 1, Bytes: report.Bytes}
			if diff := cmp.Diff(want, report.Counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if report.Quarantine[schema.RejectedByDatabase] != 2 {
				t.Errorf("quarantine %v, want 2 rejected", report.Quarantine)
			}
			equal(t, pool, `select line, reason, convert_from(raw, 'UTF8'), unit = (select max(unit) from clevertap_prod._units
				where load = q.load) from clevertap_prod._quarantine q where reason <> 'invalid_json' order by 1`,
				[]any{int64(21), "rejected_by_database", lines[20], true}, []any{int64(n - 19), "rejected_by_database", lines[n-20], true})
			for _, r := range pgtest.Query(t, pool, `select detail from clevertap_prod._quarantine where reason <> 'invalid_json'`) {
				if !strings.HasSuffix(r[0].(string), c.detail) {
					t.Errorf("detail %q, want %q", r[0], c.detail)
				}
			}
			equal(t, pool, `select count(*), count(*) filter (where id like 'x-%'), bool_or(later) from clevertap_prod.purchase`,
				[]any{int64(n), int64(0), true})
			consistent(t, pool)

			before := contents(t, pool, "clevertap_prod")
			again := load(t, pool, loader.Config{ChunkBytes: small}, write(t, lines...))
			if again.Duplicates != n+4 || again.Accepted != n+4 {
				t.Errorf("loaded again: %+v, want %d duplicates", again.Counts, n+4)
			}
			if diff := cmp.Diff(before, contents(t, pool, "clevertap_prod")); diff != "" {
				t.Errorf("loading again changed something:\n%s", diff)
			}
		})
	}
}

// TestRejectedDoesNotUseUpItsID has several records of one id: those before the first that Postgres takes go to
// quarantine, those after it are duplicates, whether Postgres would take them or not (rules 16, 18).
func TestRejectedDoesNotUseUpItsID(t *testing.T) {
	t.Parallel()
	bad := func(mark int) string { return track("id", "Purchase", fmt.Sprintf(`{"amount":-1,"mark":%d}`, mark)) }
	good := func(mark int) string { return track("id", "Purchase", fmt.Sprintf(`{"amount":1,"mark":%d}`, mark)) }
	near := []string{bad(1)}
	for range 60 { // more than a unit may be started again
		near = append(near, bad(2))
	}
	near = append(near, good(4), bad(5), good(6))
	for name, lines := range map[string][]string{
		"one chunk":   append(near, events("e", 10)...),
		"many chunks": append(append([]string{near[0], near[1]}, events("e", 1000)...), near[2:]...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"amount":1,"mark":0}`)))
			pgtest.Exec(t, pool, `alter table clevertap_prod.purchase add check (amount >= 0)`)
			report := load(t, pool, loader.Config{ChunkBytes: small}, write(t, lines...))
			want := loader.Counts{Accepted: int64(len(lines)), Loaded: int64(len(lines)) - 63, Quarantined: 61, Duplicates: 2, Bytes: report.Bytes}
			if diff := cmp.Diff(want, report.Counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			equal(t, pool, `select mark from clevertap_prod.purchase where id = 'id'`, []any{int64(4)})
			equal(t, pool, `select convert_from(raw, 'UTF8'), count(*) from clevertap_prod._quarantine group by 1 order by 1`,
				[]any{bad(1), int64(1)}, []any{bad(2), int64(60)})
		})
	}
}

// TestWrongConstraint has more refused rows than are taken for the rows' fault: the file fails, others do not.
func TestWrongConstraint(t *testing.T) {
	t.Parallel()
	prepare := func(t *testing.T) *feed {
		f := newFeed(t)
		f.load(loader.Config{}, track("old", "Purchase", `{"amount":1}`))
		pgtest.Exec(t, f.pool, `alter table clevertap_prod.purchase add constraint too_strict check (amount < 10)`)
		return f
	}
	t.Run("too many", func(t *testing.T) {
		t.Parallel()
		f := prepare(t)
		bad := write(t, events("e", refusal.Max+11)...)
		report, err := filesReport(t, f.pool, loader.Config{ChunkBytes: small}, loader.FileOptions{},
			bad, write(t, track("good", "Purchase", `{"amount":2}`)))
		var units *loader.UnitsError
		if !errors.As(err, &units) || units.Failed != 1 || report.Units[1].Status != loader.Finished {
			t.Fatalf("error %v, units %+v; want one that failed", err, report.Units)
		}
		for _, part := range []string{bad, "more than 1000 rows", `table purchase, id "e-00010"`, `"too_strict"`, "23514"} {
			if !strings.Contains(report.Units[0].Err.Error(), part) {
				t.Errorf("error %q does not say %q", report.Units[0].Err, part)
			}
		}
		equal(t, f.pool, `select count(*), (select count(*) from clevertap_prod._quarantine) from clevertap_prod.purchase`,
			[]any{int64(2), int64(0)})
		equal(t, f.pool, `select error from clevertap_prod._loads where status = 'failed'`, []any{report.Units[0].Err.Error()})
		// Once the constraint is gone the file loads.
		pgtest.Exec(t, f.pool, `alter table clevertap_prod.purchase drop constraint too_strict`)
		if report := load(t, f.pool, loader.Config{}, bad); report.Loaded != refusal.Max+11 {
			t.Errorf("without the constraint: %+v", report.Counts)
		}
	})
	t.Run("as many as may be", func(t *testing.T) {
		t.Parallel()
		f := prepare(t)
		report := f.load(loader.Config{ChunkBytes: small}, events("e", refusal.Max+10)...)
		if report.Quarantine[schema.RejectedByDatabase] != refusal.Max || report.Loaded != 10 {
			t.Errorf("report %+v %v, want 10 loaded and %d rejected", report.Counts, report.Quarantine, refusal.Max)
		}
	})
}

// TestRejectedOrThere has a row that another transaction brings in while the rows around it are tried one by one: it is a
// duplicate, not a refused row.
func TestRejectedOrThere(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"amount":1}`)))
	pgtest.Exec(t, pool, `alter table clevertap_prod.purchase add check (amount >= 0)`)
	tx := begin(t, pool)
	pgtest.Exec(t, tx, `insert into clevertap_prod.purchase (id, amount) values ('b', 1)`)
	wait := background(t, pool, loader.Config{}, write(t,
		track("a", "Purchase", `{"amount":-1}`), track("b", "Purchase", `{"amount":2}`), track("c", "Purchase", `{"amount":3}`)))
	waitUntil(t, pool, waitsForRow)
	commit(t, tx)
	report := wait()
	if report.Loaded != 1 || report.Duplicates != 1 || report.Quarantine[schema.RejectedByDatabase] != 1 {
		t.Errorf("report %+v %v, want one of each", report.Counts, report.Quarantine)
	}
	equal(t, pool, `select id, amount from clevertap_prod.purchase where id <> 'old' order by 1`, []any{"b", int64(1)}, []any{"c", int64(3)})
}

// TestRefusedBeyondTheRow has constraints that say nothing of a single row of the file: it fails, others do not.
func TestRefusedBeyondTheRow(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"at commit": `create table public.money (c text primary key); insert into public.money values ('EUR');
			alter table clevertap_prod.purchase add constraint real foreign key (currency) references public.money
			deferrable initially deferred`,
		"tracks": `drop view clevertap_prod.tracks; create table clevertap_prod.tracks (id text constraint real check (id <> 'bad'),
			received_at timestamptz, uuid_ts timestamptz)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			load(t, pool, loader.Config{}, write(t, track("old", "Purchase", `{"currency":"EUR"}`)))
			pgtest.Exec(t, pool, sql)
			report, err := tryLoad(t, pool, loader.Config{}, write(t, track("bad", "Purchase", `{"currency":"XXX"}`)),
				write(t, track("good", "Purchase", `{"currency":"EUR"}`)))
			if err == nil || report.FailedUnits() != 1 || report.FinishedUnits() != 1 || !strings.Contains(err.Error(), `"real"`) {
				t.Errorf("error %v, units %+v; want one that failed for its constraint", err, report.Units)
			}
			equal(t, pool, `select id, (select count(*) from clevertap_prod._quarantine) from clevertap_prod.purchase order by 1`,
				[]any{"good", int64(0)}, []any{"old", int64(0)})
		})
	}
}
