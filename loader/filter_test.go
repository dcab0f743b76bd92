package loader_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// filter leaves out the event Noise and all properties below secret.
type filter struct{}

func (filter) Event(name, _ string) bool { return name != "Noise" }

func (filter) Property(_ string, p *schema.Path) bool { return p.Keys()[0] != "secret" }

func TestFilter(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	path := write(t,
		track("1", "Purchase", `{"amount":1,"secret":{"card":"4111"}}`),
		track("2", "Noise", `{"a":1}`), track("3", "noise", `{"b":2,"secret":3}`), track("2", "Noise", `{"a":1}`), `{`)
	report := load(t, pool, loader.Config{Filter: filter{}}, path)
	want := loader.Counts{Accepted: 3, Loaded: 2, Quarantined: 1, Filtered: 2, Bytes: report.Bytes}
	if diff := cmp.Diff(want, report.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	equal(t, pool, `select event_text, b from clevertap_prod.noise`, []any{"noise", int64(2)})
	equal(t, pool, `select column_name from clevertap_prod._columns where column_name ~ 'secret' or column_name = 'a'`,
		pgtest.Query(t, pool, `select where false`)...)
	equal(t, pool, `select count(*) from clevertap_prod._discards`, []any{int64(0)})
}

func TestFilteredEventMakesNoTable(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	report := load(t, pool, loader.Config{Filter: filter{}}, write(t, track("1", "Noise", `{}`)))
	if report.Filtered != 1 || report.Accepted != 0 {
		t.Errorf("report %+v, want one filtered", report.Counts)
	}
	equal(t, pool, `select to_regclass('clevertap_prod.noise')::text`, []any{nil})
	managed := load(t, pool, loader.Config{Filter: filter{}, Evolve: loader.Managed},
		write(t, track("2", "Noise", `{}`), track("3", "Sound", `{}`)))
	if managed.Filtered != 1 || managed.Quarantined != 1 {
		t.Errorf("managed: %+v, want one filtered and one of an unknown table", managed.Counts)
	}
}

// TestOrderOfFilesDoesNotMatter loads the same files in several orders: users and accounts are always the newest state.
func TestOrderOfFilesDoesNotMatter(t *testing.T) {
	t.Parallel()
	call := func(id, at, received, what string) string {
		return fmt.Sprintf(`{"type":%s,"messageId":"%s","timestamp":"2026-01-%sT00:00:00Z","receivedAt":"2026-02-%sT00:00:00Z"}`,
			what, id, at, received)
	}
	files := [][]string{
		{
			call("a", "03", "01", `"identify","userId":"u","traits":{"name":"third","age":3}`),
			call("b", "01", "09", `"identify","userId":"u","traits":{"name":"first","city":"Pune"}`),
			call("c", "01", "01", `"group","userId":"u","groupId":"g","traits":{"plan":"free"}`),
		},
		{
			call("d", "02", "02", `"identify","userId":"u","traits":{"age":2.5,"city":null,"vip":true}`),
			call("e", "02", "03", `"identify","userId":"u","traits":{"age":2.25,"tie":"later arrival"}`),
			call("f", "02", "02", `"identify","userId":"u","traits":{"tie":"earlier arrival"}`),
			call("g", "02", "01", `"identify","anonymousId":"x","traits":{"name":"nobody"}`),
		},
		{
			call("h", "04", "01", `"group","userId":"v","groupId":"g","traits":{"plan":"paid"}`),
			call("i", "05", "01", `"group","userId":"v","groupId":"g","traits":{"seats":5}`),
			call("j", "04", "02", `"identify","userId":"u","traits":{"name":"fourth"}`),
			call("k", "01", "01", `"identify","userId":"v","traits":{"name":"v"}`),
		},
	}
	users := [][]any{{"u", "fourth", 3.0, "Pune", true, "later arrival"}, {"v", "v", nil, nil, nil, nil}}
	accounts := [][]any{{"g", "paid", int64(5)}}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			for _, i := range order {
				lines := slices.Clone(files[i])
				slices.Reverse(lines)
				load(t, pool, loader.Config{}, write(t, lines...))
			}
			equal(t, pool, `select id, name, age, city, vip, tie from clevertap_prod.users order by id`, users...)
			equal(t, pool, `select id, plan, seats from clevertap_prod.accounts`, accounts...)
			consistent(t, pool)
		})
	}
}
