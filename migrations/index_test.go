package migrations_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// launched are indexes of tables that are there from the start.
func launched() []migrations.Index {
	return []migrations.Index{
		{Table: "app_launched", Columns: []string{"user_id"}},
		{Table: "app_launched", Columns: []string{"user_id", "timestamp"}},
	}
}

// ensure makes indexes and returns what became of each.
func ensure(t *testing.T, m *migrations.Migrator, indexes []migrations.Index) []migrations.IndexStatus {
	t.Helper()
	results, err := m.EnsureIndexes(t.Context(), indexes, 0)
	if err != nil {
		t.Fatal(err)
	}
	return statuses(t, results)
}

func statuses(t *testing.T, results []migrations.IndexResult) (out []migrations.IndexStatus) {
	t.Helper()
	for _, r := range results {
		if (r.Err != nil) != (r.Status == migrations.IndexFailed) {
			t.Errorf("%+v", r)
		}
		out = append(out, r.Status)
	}
	return out
}

func wantStatuses(t *testing.T, got []migrations.IndexStatus, want ...migrations.IndexStatus) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("indexes (-want +got):\n%s", diff)
	}
}

// built returns the btree indexes of a table beside its key, with their columns.
func built(t *testing.T, pool *pgxpool.Pool, table string) (out []string) {
	t.Helper()
	all, err := catalog.Indexes(t.Context(), pool, shop)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		if x.Table == table && x.Method == "btree" && !x.Unique {
			text := x.Name + " " + strings.Join(x.Columns, ",")
			if !x.Valid {
				text += " invalid"
			}
			out = append(out, text)
		}
	}
	return out
}

func TestEnsureIndexes(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	indexes := append(launched(),
		migrations.Index{Table: "app_launched", Columns: []string{"plan"}},
		migrations.Index{Table: "charged", Columns: []string{"amount"}},
		migrations.Index{Table: "tracks", Columns: []string{"user_id"}})
	results, err := m.CheckIndexes(t.Context(), indexes)
	if err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, statuses(t, results), migrations.IndexMissing, migrations.IndexMissing, migrations.IndexWaits, migrations.IndexWaits, migrations.IndexFailed)
	if results[2].Missing != "plan" || results[3].Missing != "" {
		t.Errorf("waits for %q and %q", results[2].Missing, results[3].Missing)
	}
	wantStatuses(t, ensure(t, m, indexes), migrations.IndexMade, migrations.IndexMade, migrations.IndexWaits, migrations.IndexWaits, migrations.IndexFailed)
	want := []string{migrations.IndexName(indexes[0]) + " user_id", migrations.IndexName(indexes[1]) + " user_id,timestamp"}
	slices.Sort(want)
	if diff := cmp.Diff(want, built(t, pool, "app_launched")); diff != "" {
		t.Errorf("indexes (-want +got):\n%s", diff)
	}
	const files = `select array_agg(pg_relation_filenode(indexrelid) order by indexrelid)::text from pg_index where indrelid = 'shop.app_launched'::regclass`
	before := pgtest.Value[string](t, pool, files)
	// The column comes with an evolution, as a load makes it.
	_, err = m.Evolve(t.Context(), schema.Diff{Columns: []schema.Added{{Table: "app_launched", Column: schema.Column{Name: "plan", Type: schema.Text, Path: []string{"plan"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, ensure(t, m, indexes[:3]), migrations.IndexThere, migrations.IndexThere, migrations.IndexMade)
	after := pgtest.Value[string](t, pool, files)
	if !strings.HasPrefix(after, strings.TrimSuffix(before, "}")) {
		t.Errorf("indexes that were there were built again: files %s, then %s", before, after)
	}
	// Nobody takes an index for a change of the schema, and it goes with its table.
	tables, err := m.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := migrations.CatalogueDiff(tables); !d.Empty() {
		t.Errorf("the schema lacks %+v", d)
	}
	if _, err := m.Down(t.Context(), migrations.All); err != nil {
		t.Fatal(err)
	}
	if left := relations(t, pool); len(left) != 0 {
		t.Errorf("down leaves %v", left)
	}
}

// An index that a DBA has made on the same columns does as well, a partial one or one of another order does not.
func TestIndexesOfOthers(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	pgtest.Exec(t, pool, `create index mine on shop.app_launched (user_id)`)
	pgtest.Exec(t, pool, `create index partly on shop.app_launched (user_id, "timestamp") where user_id is not null`)
	pgtest.Exec(t, pool, `create index turned on shop.app_launched ("timestamp", user_id)`)
	pgtest.Exec(t, pool, `create index folded on shop.app_launched (lower(user_id), "timestamp")`)
	wantStatuses(t, ensure(t, m, launched()), migrations.IndexThere, migrations.IndexMade)
	wantStatuses(t, ensure(t, m, []migrations.Index{{Table: "app_launched", Columns: []string{"id"}}}), migrations.IndexThere)
}

func TestIndexNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 31)
	seen := map[string]bool{}
	for _, x := range []migrations.Index{
		{Table: "a_b", Columns: []string{"c"}},
		{Table: "a", Columns: []string{"b_c"}},
		{Table: "a", Columns: []string{"b", "c"}},
		{Table: long, Columns: []string{"a"}},
		{Table: long, Columns: []string{"b"}},
		{Table: "a", Columns: []string{long, "x"}},
	} {
		name := migrations.IndexName(x)
		if seen[name] || len(name) > schema.MaxIdentifier || name != migrations.IndexName(x) || !strings.HasPrefix(name, "_ix_") ||
			strings.ToValidUTF8(name, "?") != name {
			t.Errorf("name of %v: %q", x, name)
		}
		seen[name] = true
	}
}

// oldTransaction is one that a concurrent build has to wait for.
func oldTransaction(t *testing.T, pool *pgxpool.Pool) *pgx.Conn {
	t.Helper()
	conn := connect(t, pool)
	pgtest.Exec(t, conn, `begin`)
	pgtest.Exec(t, conn, `insert into shop.app_launched (id) values ('old')`)
	return conn
}

// building is true while a session builds an index and waits.
const building = `select exists (select from pg_stat_activity where datname = current_database()
	and query like 'create index concurrently%' and wait_event_type = 'Lock')`

// A killed build leaves an invalid index, which costs every insert and serves no query.
func TestKilledIndexBuild(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	old := oldTransaction(t, pool)
	failed := make(chan error, 1)
	go func() {
		_, err := m.EnsureIndexes(t.Context(), launched(), 0)
		failed <- err
	}()
	waits(t, pool, building)
	// Meanwhile the table is written and read, and another session does not wait for what this one builds.
	pgtest.Exec(t, pool, `insert into shop.app_launched (id) values ('meanwhile')`)
	wantStatuses(t, ensure(t, open(t, pool, migrations.Options{}), launched()), migrations.IndexBusy, migrations.IndexBusy)
	pgtest.Exec(t, pool, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'create index concurrently%'`)
	if err := <-failed; err == nil {
		t.Fatal("the build that was killed has no error")
	}
	if got := built(t, pool, "app_launched"); len(got) != 1 || !strings.HasSuffix(got[0], " invalid") {
		t.Fatalf("after the kill: %v, want an invalid index", got)
	}
	pgtest.Exec(t, old, `rollback`)
	wantStatuses(t, ensure(t, m, launched()), migrations.IndexMade, migrations.IndexMade)
	if got := built(t, pool, "app_launched"); len(got) != 2 || slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "invalid") }) {
		t.Errorf("after the repair: %v", got)
	}
}

// A build waits for everybody who has a snapshot older than its own, also for a Migrator that waits for its turn; and the
// one that has the turn may wait for the build's lock on the table.
func TestIndexBuildDoesNotWaitForMigrators(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	second := open(t, pool, migrations.Options{})
	turn := connect(t, pool)
	pgtest.Exec(t, turn, `select pg_advisory_lock(`+strconv.FormatInt(migrations.LockKey(shop), 10)+`)`)
	migrated := make(chan error, 1)
	go func() {
		_, err := second.Evolve(t.Context(), addAmounts())
		migrated <- err
	}()
	waits(t, pool, `select exists (select from pg_locks where locktype = 'advisory' and not granted
		and database = (select oid from pg_database where datname = current_database()))`)
	wantStatuses(t, ensure(t, m, launched()), migrations.IndexMade, migrations.IndexMade)
	select {
	case err := <-migrated:
		t.Errorf("the Migrator did not wait for its turn: %v", err)
	default:
	}
	pgtest.Exec(t, turn, `select pg_advisory_unlock_all()`)
	if err := <-migrated; err != nil {
		t.Error(err)
	}
}

// A build that waits too long for an old transaction gives up, says so, and goes on with the others the next time.
func TestIndexBuildWaitsTooLong(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	old := oldTransaction(t, pool)
	other := migrations.Index{Table: "utm_visited", Columns: []string{"no such"}}
	results, err := m.EnsureIndexes(t.Context(), append(launched()[:1], other), time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, statuses(t, results), migrations.IndexFailed, migrations.IndexWaits)
	if !migrations.LockNotHad(results[0].Err) {
		t.Errorf("error %v, want one of a lock", results[0].Err)
	}
	pgtest.Exec(t, old, `rollback`)
	wantStatuses(t, ensure(t, m, launched()[:1]), migrations.IndexMade)
	// The lock and the short wait are given back.
	if n := pgtest.Value[int64](t, pool, `select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`); n != 0 {
		t.Errorf("%d advisory locks are held", n)
	}
}

func TestIndexesOfManagedSchema(t *testing.T) {
	t.Parallel()
	pool, _ := ready(t, migrations.Options{})
	m := open(t, pool, migrations.Options{Managed: true})
	if _, err := m.EnsureIndexes(t.Context(), launched(), 0); !errors.Is(err, migrations.ErrManaged) {
		t.Errorf("error %v, want ErrManaged", err)
	}
	results, err := m.CheckIndexes(t.Context(), launched())
	if err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, statuses(t, results), migrations.IndexMissing, migrations.IndexMissing)
}
