package crash_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// waitingFile is a file of which most has no table or no column in a schema that others own.
func waitingFile(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for i := range 3000 {
		const rest = `"userId":"u%d","receivedAt":"2026-01-01T00:00:00Z","properties":{"a":%d,"b":"x%[2]d","c":true}}` + "\n"
		name := []string{"Order Paid", "App Launched", "Order Sent"}[i%3]
		fmt.Fprintf(&b, `{"type":"track","event":%q,`+rest, name, i%7, i)
		fmt.Fprintf(&b, `{"type":"track","event":"App Launched","messageId":"m%d",`+rest, i, i%7, i)
	}
	path := filepath.Join(t.TempDir(), "waiting.ndjson")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tapline runs the program and returns its exit code, -1 if it was killed.
func tapline(t *testing.T, dsn, failpoint string, args ...string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), buildPackage(t, sound, "../../cmd/tapline"), append(args, "--dsn", dsn, "--source", nickname)...)
	cmd.Env = append(os.Environ(), "TAPLINE_FAILPOINT="+failpoint)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Errorf("run %v: %v", args, err)
		return -2
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return -1
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 {
		t.Errorf("tapline %v: %v\n%s", args, err, out)
	}
	return cmd.ProcessState.ExitCode()
}

// A replay that is killed at any point, and several at once after that, leave what one load leaves that may do everything.
func TestReplayIsKilled(t *testing.T) {
	t.Parallel()
	path, whole, pieces := waitingFile(t), pgtest.DSN(t), pgtest.DSN(t)
	tapline(t, whole, "", "load", path)
	want := pgtest.PoolAt(t, whole)
	got := pgtest.PoolAt(t, pieces)
	evolveTo(t, got, nil)
	tapline(t, pieces, "", "load", path, "--evolve", "managed")
	have, err := catalog.Read(t.Context(), want, schemaName)
	if err != nil {
		t.Fatal(err)
	}
	evolveTo(t, got, have)
	replay := []string{"quarantine", "replay", "--evolve", "managed"}
	for _, point := range []string{
		"after-claim:1", "in-copy:1", "in-copy:2", "after-mark:1", "before-commit:1", "after-commit:1", "after-fill-mark:1",
		"before-fill-commit:1", "after-fill-commit:1", "before-fill-commit:1",
	} {
		if code := tapline(t, pieces, point, replay...); code != -1 {
			t.Errorf("exit code %d, want it killed at %s", code, point)
		}
		mustMatchMarks(t, got)
	}
	var several sync.WaitGroup
	for range 2 {
		several.Go(func() { tapline(t, pieces, "", replay...) })
	}
	several.Wait()
	mustMatchMarks(t, got)
	if diff := cmp.Diff(rowsOf(t, want), rowsOf(t, got)); diff != "" {
		t.Errorf("rows of a load that may do everything, and of the replays (-want +got):\n%s", diff)
	}
	const waiting = `select (select count(*) from crash_test._quarantine where replayed_at is null) + (select count(*) from crash_test._discards where replayed_at is null)`
	if n := pgtest.Value[int64](t, got, waiting); n != 0 {
		t.Errorf("%d records and values wait", n)
	}
}

// mustMatchMarks compares what is marked as replayed with what the ledger says was.
func mustMatchMarks(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	const marks = `select
		(select count(*) from crash_test._quarantine where replayed_at is not null) =
			(select coalesce(sum(rows + duplicates), 0) from crash_test._loads where unit = 'replay' and filled = 0),
		(select count(*) from crash_test._discards where replayed_at is not null) = (select coalesce(sum(filled), 0) from crash_test._loads),
		not exists (select from crash_test._quarantine q where replay_load is not null and not exists
			(select from crash_test._loads l where l.load = q.replay_load and l.status = 'finished'))`
	if diff := cmp.Diff([][]any{{true, true, true}}, pgtest.Query(t, pool, marks)); diff != "" {
		t.Errorf("marks of records, of values, and their loads, agree with the ledger:\n%s", diff)
	}
}

// rowsOf returns all rows of all tables, but for uuid_ts.
func rowsOf(t *testing.T, pool *pgxpool.Pool) map[string][][]any {
	t.Helper()
	out := map[string][][]any{}
	for _, row := range pgtest.Query(t, pool, `select relname::text from pg_class where relnamespace = 'crash_test'::regnamespace
		and relkind in ('r', 'v') and relname not like '\_%'`) {
		name := row[0].(string)
		out[name] = pgtest.Query(t, pool, `select (to_jsonb(t) - 'uuid_ts')::text from crash_test.`+pgx.Identifier{name}.Sanitize()+` t order by id`)
	}
	return out
}

// evolveTo sets the source up and gives it the tables, as its owner does.
func evolveTo(t *testing.T, pool *pgxpool.Pool, want schema.Tables) {
	t.Helper()
	m, err := migrations.Open(t.Context(), pool.Config().ConnConfig, schemaName, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Bootstrap(t.Context(), nickname); err != nil {
		t.Fatal(err)
	}
	have, err := catalog.Read(t.Context(), pool, schemaName)
	if err != nil {
		t.Fatal(err)
	}
	var d schema.Diff
	for _, name := range want.Names() {
		if !want[name].View {
			d.Tables = append(d.Tables, *want[name])
		}
	}
	if _, err := m.Evolve(t.Context(), d.Missing(have)); err != nil {
		t.Fatal(err)
	}
}
