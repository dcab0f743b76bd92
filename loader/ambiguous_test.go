package loader_test

import (
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/loader"
)

// TestCommitUnderWay loses the connection while the server is still at its COMMIT: the next attempt begins before that is through,
// and must find that it was its own.
func TestCommitUnderWay(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{source.KindFile, source.KindFrame, source.KindWindow} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.Pool(t)
			load(t, pool, loader.Config{}, write(t, events("first", 1)...))
			// pgx asks the server to cancel what it lost the connection to: this one does not hear.
			pgtest.Exec(t, pool, `create function public.hold() returns trigger language plpgsql as $$ begin
				loop
					begin perform pg_advisory_xact_lock(42); return null; exception when query_canceled then null; end;
				end loop; end $$;
				create constraint trigger hold after insert on clevertap_prod.purchase deferrable initially deferred
				for each row execute function public.hold()`)
			held := begin(t, pool)
			pgtest.Exec(t, held, `select pg_advisory_xact_lock(42)`)

			proxy := pgtest.NewProxy(t, pgtest.Server(t))
			var src loader.Source = together{filesOf(t, write(t, events("a", 3)...)), kind}
			if kind == source.KindWindow {
				src = &windows{Source: filesOf(t, write(t, events("a", 3)...)), again: []bool{true}, read: make([]int, 1)}
			}
			l := newLoader(t, proxy.DSN(t, pgtest.Value[string](t, pool, `select current_database()::text`)), loader.Config{})
			ended := make(chan error, 1)
			var report loader.Report
			go func() {
				var err error
				report, err = l.Load(t.Context(), src)
				ended <- err
			}()
			const waiting = `select count(*) = 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and wait_event = `
			until(t, "the server is at the COMMIT", pool, waiting+`'advisory'`)
			proxy.CutAll()
			until(t, "the next attempt waits for it", pool, waiting+`'transactionid'`)
			commit(t, held)
			if err := <-ended; err != nil || report.FinishedUnits() != 1 || report.Loaded != 3 || report.Duplicates != 0 {
				t.Errorf("%+v, %v; want one unit with its three rows", report, err)
			}
			equal(t, pool, `select status, rows, duplicates from clevertap_prod._loads where seq is distinct from 1`,
				[]any{"finished", int64(3), int64(0)})
		})
	}
}
