package discards_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/discards"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// load loads lines into the source Shop, in which no column is widened.
func load(t *testing.T, pool *pgxpool.Pool, lines ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := loader.New(pool, loader.Config{Source: "Shop", WidenMaxRows: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	src, err := loader.Files([]string{path}, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Load(t.Context(), src); err != nil {
		t.Fatal(err)
	}
}

func track(id, amount string) string {
	return fmt.Sprintf(`{"type":"track","event":"Purchase","userId":"u","messageId":%q,"properties":{"amount":%s}}`, id, amount)
}

func fill(t *testing.T, pool *pgxpool.Pool, c discards.Column) discards.Filled {
	t.Helper()
	c.Schema = "shop"
	got, err := discards.Fill(t.Context(), pool, c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// What the wider column holds is stored, once, and nothing else is touched.
func TestFill(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, track("a", "1"))
	load(t, pool, track("b", "2.5"), track("c", `"word"`), track("d", "7.25"), track("e", "0.5"), track("f", "0.75"))
	purchase := discards.Column{Table: "purchase", Name: "amount", BatchSize: 2}
	if got := fill(t, pool, purchase); got != (discards.Filled{Left: 5}) {
		t.Errorf("before the column is wide: %+v", got)
	}
	pgtest.Exec(t, pool, "alter table shop.purchase alter column amount type double precision, add check (amount <> 0.75)")
	pgtest.Exec(t, pool, "update shop.purchase set amount = 99 where id = 'd'") // somebody has seen to it
	pgtest.Exec(t, pool, "delete from shop.purchase where id = 'e'")
	if got := fill(t, pool, purchase); got != (discards.Filled{Stored: 1, Left: 4}) {
		t.Errorf("filled %+v, want 1 stored and 4 left", got)
	}
	if got := fill(t, pool, purchase); got != (discards.Filled{Left: 4}) {
		t.Errorf("filled again: %+v", got)
	}
	want := [][]any{{"a", 1.0}, {"b", 2.5}, {"c", nil}, {"d", 99.0}, {"f", nil}}
	if diff := cmp.Diff(want, pgtest.Query(t, pool, "select id, amount from shop.purchase order by id")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// Several that fill the same column at once store each value once.
func TestFillAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, track("first", "1"))
	var lines []string
	for i := range 300 {
		lines = append(lines, track(fmt.Sprint(i), fmt.Sprintf("%d.5", i)))
	}
	load(t, pool, lines...)
	pgtest.Exec(t, pool, "alter table shop.purchase alter column amount type numeric")
	var wg sync.WaitGroup
	results := make([]discards.Filled, 3)
	for i := range results {
		own := pgtest.PoolAt(t, pool.Config().ConnString())
		wg.Go(func() {
			var err error
			results[i], err = discards.Fill(t.Context(), own, discards.Column{Schema: "shop", Table: "purchase", Name: "amount", BatchSize: 7})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var stored int64
	for _, r := range results {
		stored += r.Stored
	}
	if stored != 300 {
		t.Errorf("stored %d values, want 300: %+v", stored, results)
	}
	if got := pgtest.Value[string](t, pool, "select sum(amount)::text from shop.purchase"); got != "45001.0" {
		t.Errorf("sum %s", got)
	}
}

// users follow identifies.
func TestFillUsers(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	identify := func(id, score string) string {
		return fmt.Sprintf(`{"type":"identify","userId":"u","messageId":%q,"timestamp":"2024-01-0%s","traits":{"score":%s}}`, id, id, score)
	}
	load(t, pool, identify("1", "1"))
	load(t, pool, identify("2", "2.5"))
	pgtest.Exec(t, pool, "alter table shop.identifies alter column score type double precision")
	pgtest.Exec(t, pool, "alter table shop.users alter column score type double precision")
	if got := fill(t, pool, discards.Column{Table: "identifies", Name: "score"}); got.Stored != 1 {
		t.Errorf("filled %+v", got)
	}
	if got := pgtest.Value[float64](t, pool, "select score from shop.users where id = 'u'"); got != 2.5 {
		t.Errorf("score of the user is %v, want the newest, 2.5", got)
	}
}
