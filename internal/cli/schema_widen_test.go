package cli_test

import (
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

// widenable is a source with a bigint column, purchase_made.amount, for which 1.5 waits.
func widenable(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.must(0, "load", w.file("a.ndjson", purchases(3)), "-s", "Web", "-q")
	fraction := strings.NewReplacer(`"a lot"`, "1.5").Replace(mismatch)
	pool := pgtest.PoolAt(t, w.dsn)
	pgtest.Exec(t, pool, `create view public.report as select amount from web.purchase_made`)
	w.must(0, "load", w.file("b.ndjson", fraction), "-s", "Web", "-q")
	pgtest.Exec(t, pool, `drop view public.report`)
	return w
}

func TestSchemaWiden(t *testing.T) {
	t.Parallel()
	w := widenable(t)
	dry := w.must(0, "schema", "widen", "purchase_made.amount", "double", "precision", "--dry-run")
	contains(t, dry.stdout, "-- 1. Make a second column", `drop column "amount"`, "widen_purchase_made_amount")
	contains(t, w.must(0, "schema", "widen", "purchase_made.amount", "numeric", "--rewrite", "--dry-run").stdout,
		`alter column "amount" type numeric`, "with the table locked")
	pool := pgtest.PoolAt(t, w.dsn)
	const typ = `select data_type::text from information_schema.columns where table_schema = 'web' and table_name = 'purchase_made' and column_name = 'amount'`
	if got := pgtest.Value[string](t, pool, typ); got != "bigint" {
		t.Fatalf("a dry run made it %s", got)
	}
	contains(t, w.must(0, "schema", "widen", "purchase_made.amount", "double").stdout,
		"✓ Widened purchase_made.amount from bigint to double precision", "1 stored, 0 still wait", "_widen_purchase_made_amount")
	if got := pgtest.Value[string](t, pool, typ); got != "double precision" {
		t.Errorf("type %s", got)
	}
	contains(t, w.must(0, "schema", "widen", "purchase_made.amount", "double").stdout, "has that type already", "0 stored")
	var got struct {
		Rewritten bool
		Migration int
		Columns   []struct{ From, To string }
	}
	w.json(0, &got, "schema", "widen", "purchase_made.amount", "text", "--rewrite")
	if !got.Rewritten || got.Migration == 0 || len(got.Columns) != 1 || got.Columns[0].From != "double precision" || got.Columns[0].To != "text" {
		t.Errorf("got %+v", got)
	}
}

// The size is told before the table is locked.
func TestSchemaWidenEstimate(t *testing.T) {
	t.Parallel()
	w := widenable(t)
	contains(t, w.must(0, "schema", "widen", "purchase_made.amount", "numeric", "--rewrite").stderr, "The table is locked while Postgres writes its")
}

func TestSchemaWidenRefuses(t *testing.T) {
	t.Parallel()
	w := widenable(t)
	for args, want := range map[string]string{
		"":                                            "no column is named",
		"purchase_made":                               "no column is named",
		"purchase_made.amount":                        "not given",
		"purchase_made.amount int4":                   "unknown type",
		"purchase_made.amount numeric(10,2)":          "a wide type has no length",
		"purchase_made.nothing numeric":               "no column purchase_made.nothing",
		"purchase_made.amount --abort":                "no widening of column purchase_made.amount is under way",
		"purchase_made.amount text --wait 0s":         "too short",
		"purchase_made.amount text --pause -1s":       "negative",
		"purchase_made.amount text --batch-size 0":    "too few",
		"purchase_made.amount text --abort --rewrite": "goes with neither",
		"purchase_made.received_at numeric":           "not every timestamp with time zone is a number",
	} {
		contains(t, w.must(64, append([]string{"schema", "widen"}, strings.Fields(args)...)...).stderr, want)
	}
}
