package dictionary_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/dictionary"
	"github.com/tapline/tapline/internal/pgtest"
)

// drift returns everything that is found to be drift.
func drift(t *testing.T, pool *pgxpool.Pool) []dictionary.Finding {
	t.Helper()
	s := read(t, pool)
	found := dictionary.Diff(s, false)
	tracks, checked, err := dictionary.CheckTracks(t.Context(), pool, s)
	if err != nil || !checked {
		t.Fatalf("check tracks: %v, %v", checked, err)
	}
	return append(found, tracks...)
}

func kinds(found []dictionary.Finding) (out []string) {
	for _, f := range found {
		out = append(out, strings.Join([]string{string(f.Kind), f.Table, f.Column}, " "))
	}
	slices.Sort(out)
	return out
}

// TestDriftIsFoundAndRepaired breaks the schema in one way after the other and runs what is given as the repair.
func TestDriftIsFoundAndRepaired(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, broken string
		want         []string
	}{
		{"missing table", `drop table clevertap_prod.reply_sent cascade`, []string{"missing_table reply_sent ", "missing_tracks tracks "}},
		{"missing evolved table", `drop table clevertap_prod.signed_up cascade`, []string{"missing_table signed_up ", "missing_tracks tracks "}},
		{"missing column", `alter table clevertap_prod.utm_visited drop column install`, []string{"missing_column utm_visited install"}},
		{"missing evolved column", `alter table clevertap_prod.signed_up drop column method`, []string{"missing_column signed_up method"}},
		{
			"missing context column", `alter table clevertap_prod.signed_up drop column context_locale cascade`,
			[]string{"missing_column signed_up context_locale", "missing_tracks tracks "},
		},
		{"extra column", `alter table clevertap_prod.signed_up add mine bigint`, []string{"extra_column signed_up mine"}},
		{"extra column of another type", `alter table clevertap_prod.signed_up add mine uuid`, []string{"extra_column signed_up mine"}},
		{"wider type", `alter table clevertap_prod.app_launched alter ct_session_id type numeric`, []string{"changed_type app_launched ct_session_id"}},
		{"narrower type", `alter table clevertap_prod.signed_up alter method type varchar(40)`, []string{"changed_type signed_up method"}},
		{"other type", `alter table clevertap_prod.signed_up alter method type bytea using null`, []string{"changed_type signed_up method"}},
		{"table comment", `comment on table clevertap_prod.signed_up is null`, []string{"missing_comment signed_up "}},
		{"column comment", `comment on column clevertap_prod.signed_up.method is null`, []string{"missing_comment signed_up method"}},
		{"index", `drop index clevertap_prod._brin_signed_up_received_at`, []string{"missing_index signed_up received_at"}},
		{"key", `alter table clevertap_prod.signed_up drop constraint _pk_signed_up`, []string{"missing_key signed_up id"}},
		{"view gone", `drop view clevertap_prod.tracks`, []string{"missing_tracks tracks "}},
		{
			"view of some rows", `create or replace view clevertap_prod.tracks as select * from (` + viewOf + `) as t where user_id is not null`,
			[]string{"changed_tracks tracks "},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pool := small(t)
			if found := drift(t, pool); len(found) > 0 {
				t.Fatalf("drift before anything was changed: %+v", found)
			}
			view := pgtest.Value[string](t, pool, `select pg_get_viewdef('clevertap_prod.tracks'::regclass)`)
			pgtest.Exec(t, pool, strings.ReplaceAll(c.broken, viewOf, strings.TrimSuffix(view, ";")))
			found := drift(t, pool)
			if diff := cmp.Diff(c.want, kinds(found)); diff != "" {
				t.Fatalf("findings (-want +got):\n%s", diff)
			}
			for _, f := range found {
				if f.Problem == "" || f.Repair == "" {
					t.Errorf("no problem or no repair: %+v", f)
				}
				pgtest.Exec(t, pool, f.Repair)
			}
			if found := drift(t, pool); len(found) > 0 {
				t.Errorf("drift after the repair: %+v", found)
			}
		})
	}
}

// viewOf stands for the query of the view as it is.
const viewOf = "VIEW"

// TestInvalidIndex makes the index that a failed concurrent build leaves.
func TestInvalidIndex(t *testing.T) {
	t.Parallel()
	pool := small(t)
	pgtest.Exec(t, pool, `update pg_index set indisvalid = false where indexrelid = 'clevertap_prod._brin_signed_up_uuid_ts'::regclass`)
	found := drift(t, pool)
	if diff := cmp.Diff([]string{"invalid_index signed_up ", "missing_index signed_up uuid_ts"}, kinds(found)); diff != "" {
		t.Fatalf("findings (-want +got):\n%s", diff)
	}
	for _, f := range found {
		if f.Kind == dictionary.InvalidIndex {
			pgtest.Exec(t, pool, f.Repair)
		}
	}
	if found := drift(t, pool); len(found) > 0 {
		t.Errorf("drift after the repair: %+v", found)
	}
}

// TestOthersAreNoDrift adds what analysts add; only all lists it.
func TestOthersAreNoDrift(t *testing.T) {
	t.Parallel()
	pool := small(t)
	pgtest.Exec(t, pool, `create table clevertap_prod.mine (a int);
		create view clevertap_prod.my_view as select 1 as x;
		create materialized view clevertap_prod.my_days as select 1 as x;
		create index my_index on clevertap_prod.signed_up (user_id);
		alter table clevertap_prod.signed_up add _widening_0123456789abcdef text`) // a column at work, of schema widen
	if found := drift(t, pool); len(found) > 0 {
		t.Errorf("drift: %+v", found)
	}
	got := kinds(dictionary.Diff(read(t, pool), true))
	want := []string{"extra_index signed_up ", "extra_relation mine ", "extra_relation my_days ", "extra_relation my_view "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestTableOfEventsByHand is found: the view tracks, which everybody believes to be complete, does not have it.
func TestTableOfEventsByHand(t *testing.T) {
	t.Parallel()
	pool := small(t)
	pgtest.Exec(t, pool, `create table clevertap_prod.by_hand (like clevertap_prod.signed_up including all)`)
	found := drift(t, pool)
	if diff := cmp.Diff([]string{"changed_tracks tracks ", "extra_table by_hand "}, kinds(found)); diff != "" {
		t.Fatalf("findings (-want +got):\n%s", diff)
	}
	pgtest.Exec(t, pool, found[len(found)-1].Repair)
	if found := drift(t, pool); len(found) > 0 {
		t.Errorf("drift after the repair: %+v", found)
	}
}

// TestRoleWithoutTemporaryViews says that tracks was not looked into, instead of failing.
func TestRoleWithoutTemporaryViews(t *testing.T) {
	t.Parallel()
	pool := small(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `set default_transaction_read_only = on`); err != nil {
		t.Fatal(err)
	}
	s, err := dictionary.Read(t.Context(), conn.Conn(), "clevertap_prod")
	if err != nil {
		t.Fatal(err)
	}
	if found, checked, err := dictionary.CheckTracks(t.Context(), conn.Conn(), s); checked || err != nil || len(found) > 0 {
		t.Errorf("%v, %v, %v", found, checked, err)
	}
}
