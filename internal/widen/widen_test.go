package widen_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/widen"
	"github.com/tapline/tapline/schema"
)

// Everything that people see of the column stays, and the values that waited are in it.
func TestRun(t *testing.T) {
	t.Parallel()
	for _, to := range []schema.Type{schema.Double, schema.Numeric, schema.Text} {
		t.Run(to.String(), func(t *testing.T) {
			t.Parallel()
			pool := shop(t)
			pgtest.Exec(t, pool, `create role "`+role(t)+`"`)
			t.Cleanup(func() { dropRole(t, pool) })
			pgtest.Exec(t, pool, `grant select (amount), update (amount) on shop.purchase to "`+role(t)+`"`)
			pgtest.Exec(t, pool, `grant select on shop.tracks to "`+role(t)+`"`)
			comment := pgtest.Value[string](t, pool, `select col_description('shop.purchase'::regclass, attnum) from pg_attribute
				where attrelid = 'shop.purchase'::regclass and attname = 'amount'`)
			done := run(t, pool, request(to))
			stored := int64(2)
			if to == schema.Text {
				stored = 3
			}
			if done.Rows != 1003 || done.Waiting.Stored != stored || done.File.Version == 0 {
				t.Errorf("done %+v", done)
			}
			if got := typeOf(t, pool, "purchase", "amount"); got != to.String() {
				t.Errorf("type %s", got)
			}
			if got := pgtest.Value[int64](t, pool, `select count(*) from shop.purchase where amount::text = (id::int)::text and id < 'w'`); got != 1000 {
				t.Errorf("%d rows have their value, want 1000", got)
			}
			got := pgtest.Query(t, pool, `select id, amount::text from shop.purchase where id like 'w%' and amount is not null order by id`)
			want := [][]any{{"w1", "0.5"}, {"w2", "0.25"}, {"w3", "word"}}[:stored]
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("values that waited (-want +got):\n%s", diff)
			}
			if got := pgtest.Value[string](t, pool, `select col_description('shop.purchase'::regclass, attnum) from pg_attribute
				where attrelid = 'shop.purchase'::regclass and attname = 'amount'`); got != comment || comment == "" {
				t.Errorf("comment %q, want %q", got, comment)
			}
			if !pgtest.Value[bool](t, pool, `select has_column_privilege($1, 'shop.purchase', 'amount', 'select') and
				has_column_privilege($1, 'shop.purchase', 'amount', 'update') and has_table_privilege($1, 'shop.tracks', 'select')`, role(t)) {
				t.Error("a grant is lost")
			}
			if got := pgtest.Value[string](t, pool, `select type from shop._columns where table_name = 'purchase' and column_name = 'amount'`); got != to.String() {
				t.Errorf("_columns has type %s", got)
			}
			clean(t, pool)
			load(t, pool, track("later", `{"amount":0.125}`))
			if got := pgtest.Value[string](t, pool, `select amount::text from shop.purchase where id = 'later'`); got != "0.125" {
				t.Errorf("a later load stored %s", got)
			}
		})
	}
}

// A schema that is built from the files has the same types, and their way back works.
func TestFilesEqualSwap(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	run(t, pool, request(schema.Double))
	build := request(schema.Text)
	build.Column = "context_build"
	run(t, pool, build)
	swapped, err := catalog.Read(t.Context(), pool, "shop")
	if err != nil {
		t.Fatal(err)
	}
	m := migrator(t, pool)
	if _, dirty, err := m.Version(t.Context()); dirty || err != nil {
		t.Errorf("dirty %v, %v", dirty, err)
	}
	pgtest.Exec(t, pool, "update shop.purchase set amount = null where id like 'w%'")
	if n, err := m.Down(t.Context(), 2); n != 2 || err != nil {
		t.Fatalf("down: %d, %v", n, err)
	}
	if got := typeOf(t, pool, "purchase", "amount") + ", " + typeOf(t, pool, "purchase", "context_build"); got != "bigint, bigint" {
		t.Errorf("after down: %s", got)
	}
	pgtest.Exec(t, pool, "truncate shop.purchase")
	if n, err := m.Up(t.Context()); n != 2 || err != nil {
		t.Fatalf("up: %d, %v", n, err)
	}
	built, err := catalog.Read(t.Context(), pool, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(swapped, built); diff != "" {
		t.Errorf("schema after the files (-swapped +files):\n%s", diff)
	}
}

// A trait is widened in identifies and users together, whichever is named.
func TestTwins(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	identify := func(id, score string) string {
		return fmt.Sprintf(`{"type":"identify","userId":"u","messageId":%q,"traits":{"score":%s}}`, id, score)
	}
	load(t, pool, identify("1", "1"))
	load(t, pool, identify("2", "2.5"))
	req := request(schema.Double)
	req.Table, req.Column = "users", "score"
	run(t, pool, req)
	for _, table := range []string{"identifies", "users"} {
		if got := typeOf(t, pool, table, "score"); got != "double precision" {
			t.Errorf("%s: type %s", table, got)
		}
	}
	if got := pgtest.Value[float64](t, pool, "select score from shop.users where id = 'u'"); got != 2.5 {
		t.Errorf("score of the user is %v, want 2.5", got)
	}
	clean(t, pool)
}

// What would change a value, or take something of others along, is refused, and nothing is left behind.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql  string
		to   schema.Type
		want string
	}{
		"narrowing":         {`alter table shop.purchase alter amount type double precision`, schema.Bigint, "would lose fractions"},
		"rounding":          {`alter table shop.purchase alter amount type numeric`, schema.Double, "would round numbers"},
		"boolean":           {``, schema.Boolean, "only bigint, double precision, numeric and text"},
		"text":              {`alter table shop.purchase alter amount type text`, schema.Numeric, "not every text is a number"},
		"large value":       {`update shop.purchase set amount = 9007199254740993 where id = '000001'`, schema.Double, "widen the column to numeric"},
		"view":              {`create view public.theirs as select amount from shop.purchase`, schema.Double, "view public.theirs"},
		"materialized view": {`create materialized view public.theirs as select sum(amount) from shop.purchase`, schema.Double, "materialized view public.theirs"},
		"index":             {`create index theirs on shop.purchase (amount)`, schema.Double, "index shop.theirs"},
		"check":             {`alter table shop.purchase add constraint theirs check (amount >= 0)`, schema.Double, "constraint theirs"},
		"generated":         {`alter table shop.purchase add twice bigint generated always as (amount * 2) stored`, schema.Double, "twice"},
		"default":           {`alter table shop.purchase alter amount set default 3`, schema.Double, "default value for column amount"},
		"not null":          {`delete from shop.purchase where amount is null; alter table shop.purchase alter amount set not null`, schema.Double, "NOT NULL"},
		"no column":         {`alter table shop.purchase drop amount`, schema.Double, "no column purchase.amount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := shop(t)
			for sql := range strings.SplitSeq(c.sql, "; ") {
				if sql != "" {
					pgtest.Exec(t, pool, sql)
				}
			}
			before := typeOf(t, pool, "purchase", "amount")
			j, err := open(t, pool, request(c.to))
			if err == nil {
				_, err = j.Run(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
			if got := typeOf(t, pool, "purchase", "amount"); got != before {
				t.Errorf("type %q, want %q", got, before)
			}
			clean(t, pool)
		})
	}
}

// A view whose own columns keep their types follows, with its grants, and the views over it.
func TestViewsFollow(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	pgtest.Exec(t, pool, `create view public.large with (security_barrier = true) as select id, (amount > 500) as large, event_text from shop.purchase`)
	pgtest.Exec(t, pool, `create view public.count_large as select count(*) as n from public.large where large`)
	pgtest.Exec(t, pool, `grant select on public.large to public`)
	run(t, pool, request(schema.Numeric))
	if got := pgtest.Value[int64](t, pool, `select n from public.count_large`); got != 499 {
		t.Errorf("the view over the view counts %d, want 499", got)
	}
	got := pgtest.Value[string](t, pool, `select reloptions::text || relacl::text from pg_class where oid = 'public.large'::regclass`)
	if !strings.Contains(got, "security_barrier=true") || !strings.Contains(got, "=r/") {
		t.Errorf("the view's options and grants are %s", got)
	}
	clean(t, pool)
}

// In place, what Postgres makes anew itself is no hindrance.
func TestRewrite(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	pgtest.Exec(t, pool, `create index theirs on shop.purchase (amount)`)
	j, err := open(t, pool, request(schema.Double))
	if err != nil {
		t.Fatal(err)
	}
	done, err := j.Rewrite(t.Context())
	if err != nil || done.Waiting.Stored != 2 {
		t.Fatalf("done %+v, %v", done, err)
	}
	if got := pgtest.Value[string](t, pool, `select amount::text from shop.purchase where id = 'w1'`); got != "0.5" {
		t.Errorf("the value that waited is %s", got)
	}
	pgtest.Value[uint32](t, pool, `select 'shop.theirs'::regclass::oid`)
	clean(t, pool)
}

// A column that has the type already gets what still waits for it, and nothing else happens.
func TestAgain(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	pgtest.Exec(t, pool, `alter table shop.purchase alter amount type double precision`)
	for _, stored := range []int64{2, 0} {
		done := run(t, pool, request(schema.Double))
		if done.Waiting.Stored != stored || done.File.Version != 0 {
			t.Errorf("done %+v, want %d stored", done, stored)
		}
	}
	clean(t, pool)
}

// Columns as another warehouse made them.
func TestAdoptedTypes(t *testing.T) {
	t.Parallel()
	for from, c := range map[string]struct {
		value, want string
		to          schema.Type
	}{
		"integer":                {"7", "7", schema.Bigint},
		"smallint":               {"7", "7", schema.Double},
		"real":                   {"0.1", "0.1", schema.Numeric},
		"double precision":       {"0.1234567890123456789", "0.12345678901234568", schema.Numeric},
		"numeric(10,2)":          {"1.50", "1.50", schema.Numeric},
		"character varying(512)": {"word", "word", schema.Text},
		"timestamp with time zone": {
			"2024-03-01 12:00:00.5+02", "2024-03-01T10:00:00.500000Z", schema.Text,
		},
		"boolean": {"t", "true", schema.Text},
		"date":    {"2024-03-01", "2024-03-01", schema.Text},
	} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			pool := shop(t)
			pgtest.Exec(t, pool, `alter table shop.purchase add theirs `+from)
			pgtest.Exec(t, pool, `update shop.purchase set theirs = '`+c.value+`' where id = '000007'`)
			req := request(c.to)
			req.Column = "theirs"
			run(t, pool, req)
			if got := pgtest.Value[string](t, pool, `select theirs::text from shop.purchase where id = '000007'`); got != c.want {
				t.Errorf("value %s, want %s", got, c.want)
			}
			if n, err := migrator(t, pool).Down(t.Context(), 1); n != 1 || err != nil {
				t.Fatalf("down: %d, %v", n, err)
			}
			if got := typeOf(t, pool, "purchase", "theirs"); got != from {
				t.Errorf("after down it is %s", got)
			}
			if got := pgtest.Value[bool](t, pool, `select theirs = '`+c.value+`' from shop.purchase where id = '000007'`); !got {
				t.Error("down changed the value")
			}
			if n, err := migrator(t, pool).Up(t.Context()); n != 1 || err != nil {
				t.Fatalf("up: %d, %v", n, err)
			}
			if got := pgtest.Value[string](t, pool, `select theirs::text from shop.purchase where id = '000007'`); got != c.want {
				t.Errorf("by its file the value is %s, want %s", got, c.want)
			}
		})
	}
}

// The way back refuses a value that the old type does not hold.
func TestDownKeepsValues(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	run(t, pool, request(schema.Text))
	_, err := migrator(t, pool).Down(t.Context(), 1)
	if err == nil {
		t.Error("down went through although there is a word among the values")
	}
	if got := typeOf(t, pool, "purchase", "amount"); got != "text" {
		t.Errorf("type %s, want text", got)
	}
}

// Two at once: one works, the other is told, and two columns of one table go side by side.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	load(t, pool, track("both", `{"amount":1,"tax":2}`))
	tax := request(schema.Numeric)
	tax.Column = "tax"
	jobs := []widen.Request{request(schema.Numeric), request(schema.Numeric), tax}
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, req := range jobs {
		own := pgtest.PoolAt(t, pool.Config().ConnString())
		m := migrator(t, own)
		wg.Go(func() {
			j, err := widen.Open(t.Context(), own, m, req)
			if err == nil {
				_, err = j.Run(t.Context())
			}
			errs[i] = err
		})
	}
	wg.Wait()
	var busy *widen.BusyError
	for i, err := range errs {
		if err != nil && (i == 2 || !errors.As(err, &busy)) {
			t.Errorf("widening %d: %v", i, err)
		}
	}
	if errs[0] != nil && errs[1] != nil {
		t.Error("neither of the two widened the column")
	}
	if got := typeOf(t, pool, "purchase", "amount") + ", " + typeOf(t, pool, "purchase", "tax"); got != "numeric, numeric" {
		t.Errorf("types %s", got)
	}
	clean(t, pool)
}
