package loader_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/refusal"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// identify and group are calls that make rows of users and accounts.
func identify(id, user, plan string) string {
	return fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":%q,"timestamp":"2026-01-%sT00:00:00Z","traits":{"plan":%q}}`,
		id, user, id[len(id)-2:], plan)
}

func group(id, group, plan string) string {
	return fmt.Sprintf(`{"type":"group","messageId":%q,"userId":"u","groupId":%q,"timestamp":"2026-01-%sT00:00:00Z","traits":{"plan":%q}}`,
		id, group, id[len(id)-2:], plan)
}

// TestRefusedPeople has rows of users and accounts that something refuses which somebody has added there: the calls are
// loaded, their row stays as it was, and discards say why (rule 19).
func TestRefusedPeople(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	f.load(loader.Config{}, identify("a-01", "u1", "old"), identify("b-01", "u2", "old"), group("c-01", "g1", "old"))
	pgtest.Exec(t, f.pool, `alter table clevertap_prod.users add constraint known check (plan <> 'bad')`)
	pgtest.Exec(t, f.pool, raises("accounts", `if new.plan = 'bad' then raise exception 'no such plan'; end if;`))
	states := func(want ...[]any) {
		t.Helper()
		equal(t, f.pool, `select id, plan from clevertap_prod.users union all select id, plan from clevertap_prod.accounts order by 1`, want...)
	}

	lines := []string{
		identify("d-02", "u1", "bad"), identify("e-02", "u2", "new"), identify("f-02", "u3", "new"),
		identify("g-02", "u4", "bad"), group("h-02", "g1", "bad"), group("i-02", "g2", "new"),
	}
	report := f.load(loader.Config{}, lines...)
	want := loader.Counts{Accepted: 6, Loaded: 6, Discarded: 3, Bytes: report.Bytes}
	if diff := cmp.Diff(want, report.Counts); diff != "" || report.Discards[schema.RejectedByDatabase] != 3 {
		t.Errorf("discards %v, counts (-want +got):\n%s", report.Discards, diff)
	}
	states([]any{"g1", "old"}, []any{"g2", "new"}, []any{"u1", "old"}, []any{"u2", "new"}, []any{"u3", "new"})
	check := `new row for relation "users" violates check constraint "known" (SQLSTATE 23514)`
	equal(t, f.pool, `select row_id, table_name, column_name, raw_value, reason, detail, load = (select load from clevertap_prod._loads
			where uuid_ts = d.uuid_ts) from clevertap_prod._discards d order by 1`,
		[]any{"d-02", "users", "id", `"u1"`, "rejected_by_database", check, true},
		[]any{"g-02", "users", "id", `"u4"`, "rejected_by_database", check, true},
		[]any{"h-02", "accounts", "id", `"g1"`, "rejected_by_database", "no such plan (SQLSTATE P0001)", true})

	before := contents(t, f.pool, "clevertap_prod")
	if again := f.load(loader.Config{}, lines...); again.Duplicates != 6 || again.Discarded != 0 {
		t.Errorf("loaded again: %+v, want 6 duplicates", again.Counts)
	}
	if diff := cmp.Diff(before, contents(t, f.pool, "clevertap_prod")); diff != "" {
		t.Errorf("loading again changed something:\n%s", diff)
	}
	// A later call that is taken brings the row up to date with all calls.
	f.load(loader.Config{}, identify("j-03", "u1", "best"))
	states([]any{"g1", "old"}, []any{"g2", "new"}, []any{"u1", "best"}, []any{"u2", "new"}, []any{"u3", "new"})
	// Without it the newest state is the refused one again, so u1 has no row.
	last := pgtest.Query(t, f.pool, `select load from clevertap_prod._loads order by seq desc limit 1`)[0][0].([16]byte)
	if _, err := admin.Undo(t.Context(), f.pool, "clevertap_prod", uuid.UUID(last)); err != nil {
		t.Fatal(err)
	}
	states([]any{"g1", "old"}, []any{"g2", "new"}, []any{"u2", "new"}, []any{"u3", "new"})
}

// TestWrongConstraintOfUsers has more refused rows of users than are taken for the rows' fault.
func TestWrongConstraintOfUsers(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	f.load(loader.Config{}, identify("a-01", "u", "old"))
	pgtest.Exec(t, f.pool, `alter table clevertap_prod.users add constraint too_strict check (plan = 'old')`)
	var lines []string
	for i := range refusal.Max + 1 {
		lines = append(lines, identify(fmt.Sprintf("m%d-01", i), fmt.Sprintf("u%04d", i), "new"))
	}
	report, err := tryLoad(t, f.pool, loader.Config{}, write(t, lines...))
	if err == nil || report.FailedUnits() != 1 || !strings.Contains(err.Error(), `table users, id "u0000"`) || !strings.Contains(err.Error(), "too_strict") {
		t.Errorf("error %v; want one of users and its constraint", err)
	}
	equal(t, f.pool, `select count(*), (select count(*) from clevertap_prod._discards) from clevertap_prod.identifies`,
		[]any{int64(1), int64(0)})
}
