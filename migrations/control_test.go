package migrations_test

import (
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
)

// A control schema that an earlier release has made gets what came later, with the next load or by itself; what it holds
// stays.
func TestControlOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	cfg := pool.Config().ConnConfig
	bootstrap := func(o migrations.Options) error {
		m, err := migrations.Open(t.Context(), cfg, "shop", o)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		return m.Bootstrap(t.Context(), "Shop")
	}
	earlier := func() {
		pgtest.Exec(t, pool, `drop table tapline.alerts, tapline.job_runs, tapline.jobs`)
		pgtest.Exec(t, pool, `drop table tapline.audit, tapline.intake, tapline.key_uses, tapline.write_keys`)
		pgtest.Exec(t, pool, `alter table tapline.sources drop column disabled_at`)
		pgtest.Exec(t, pool, `drop table tapline._undelivered, tapline.cursors, tapline.destinations`)
		pgtest.Exec(t, pool, `delete from tapline._migration_files where version > 1`)
		pgtest.Exec(t, pool, `update tapline._migrations set version = 1`)
	}
	complete := func() bool {
		return pgtest.Value[bool](t, pool, `select to_regclass('tapline.cursors') is not null and
			exists (select from tapline.sources where nickname = 'Shop') and to_regclass('tapline.audit') is not null and
			to_regclass('tapline.job_runs') is not null and
			(select version >= 4 and not dirty from tapline._migrations)`)
	}
	if err := bootstrap(migrations.Options{}); err != nil || !complete() {
		t.Fatalf("a new control schema is not complete (%v)", err)
	}
	earlier()
	if err := bootstrap(migrations.Options{Managed: true}); err != nil {
		t.Errorf("a managed source waits for the control schema: %v", err)
	}
	if err := bootstrap(migrations.Options{}); err != nil || !complete() {
		t.Errorf("Bootstrap leaves the control schema of an earlier release (%v)", err)
	}
	earlier()
	for range 2 {
		if err := migrations.Control(t.Context(), cfg, migrations.Options{}); err != nil || !complete() {
			t.Errorf("Control leaves the control schema of an earlier release (%v)", err)
		}
	}
}
