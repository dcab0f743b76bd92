package widen_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/widen"
	"github.com/tapline/tapline/schema"
)

// points are where the program can be killed, in the order in which it comes by.
var points = []string{
	"widen-begun", "widen-batch:2", "widen-batch:11", "widen-filled", "widen-in-swap", "widen-swapped",
	"after-fill-commit", "after-fill-mark", "widen-stored", "widen-finished",
}

// The real program is killed at every point. The next run goes on, to the same end; until the column has its new type, what
// was begun can be taken back as well.
func TestKilled(t *testing.T) {
	t.Parallel()
	binary := build(t)
	for _, point := range points {
		t.Run("on "+point, func(t *testing.T) {
			t.Parallel()
			goesOn(t, binary, point)
		})
	}
	for _, point := range []string{"widen-begun", "widen-batch:2", "widen-in-swap"} {
		t.Run("back "+point, func(t *testing.T) {
			t.Parallel()
			isTakenBack(t, binary, point)
		})
	}
}

func goesOn(t *testing.T, binary, point string) {
	pool := shop(t)
	kill(t, binary, pool, point)
	load(t, pool, track("meanwhile", `{"amount":4711}`))
	run(t, pool, request(schema.Double))
	if got := typeOf(t, pool, "purchase", "amount"); got != "double precision" {
		t.Errorf("type %s", got)
	}
	if got := pgtest.Value[int64](t, pool, `select count(*) from shop.purchase where amount = id::int and id < 'm'`); got != 1000 {
		t.Errorf("%d rows have their value, want 1000", got)
	}
	if got := pgtest.Value[float64](t, pool, `select sum(amount) from shop.purchase where id >= 'm'`); got != 4711.75 {
		t.Errorf("the later ones and those that waited are %v, want 4711.75", got)
	}
	if _, dirty, err := migrator(t, pool).Version(t.Context()); dirty || err != nil {
		t.Errorf("dirty %v, %v", dirty, err)
	}
	if got := pgtest.Value[int64](t, pool, `select count(*) from shop._migration_files where name = 'widen_purchase_amount'`); got != 1 {
		t.Errorf("%d migrations, want 1", got)
	}
	clean(t, pool)
}

func isTakenBack(t *testing.T, binary, point string) {
	pool := shop(t)
	kill(t, binary, pool, point)
	if err := widen.Abort(t.Context(), pool, request(schema.Unknown)); err != nil {
		t.Fatal(err)
	}
	clean(t, pool)
	load(t, pool, track("meanwhile", `{"amount":4711}`))
	got := pgtest.Query(t, pool, `select count(amount), sum(amount)::bigint, (select count(*) from shop._discards where replayed_at is null) from shop.purchase`)[0]
	if got[0] != int64(1001) || got[1] != int64(499500+4711) || got[2] != int64(3) {
		t.Errorf("rows, sum, waiting values are %v", got)
	}
	if got := typeOf(t, pool, "purchase", "amount"); got != "bigint" {
		t.Errorf("type %s", got)
	}
}

// kill runs the program up to a point.
func kill(t *testing.T, binary string, pool *pgxpool.Pool, point string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "schema", "widen", "purchase.amount", "double", "--source", "Shop",
		"--batch-size", "100", "--pause", "0")
	cmd.Env = append(os.Environ(), "TAPLINE_FAILPOINT="+point, "DATABASE_URL="+pool.Config().ConnString())
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the program was not killed at %s: %v\n%s", point, err, out)
	}
	// Its sessions end when the server notices.
	until(t, pool, `select not exists (select from pg_stat_activity where datname = current_database() and application_name = 'tapline')`)
}

// build returns the program with the points to kill it at.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tapline")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "failpoint", "-o", path, "../../cmd/tapline").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}
