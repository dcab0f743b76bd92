package ledger_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Which timeouts there are depends on the server: none must cut a transaction of ours off.
func TestSettle(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	cfg := pool.Config().ConnConfig
	const timeouts = `select name, setting from pg_settings where name in
		('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')`
	for _, row := range pgtest.Query(t, pool, timeouts) {
		cfg.RuntimeParams[row[0].(string)] = "1h"
	}
	cfg.RuntimeParams["synchronous_commit"] = "off"
	cfg.RuntimeParams["default_transaction_read_only"] = "on"
	cfg.RuntimeParams["default_transaction_isolation"] = "serializable"
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	tx, err := conn.BeginTx(t.Context(), ledger.Options())
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.Settle(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	for _, row := range pgtest.Query(t, tx, timeouts) {
		if row[1] != "0" {
			t.Errorf("%s = %s, want 0", row[0], row[1])
		}
	}
	got := pgtest.Value[string](t, tx, `select current_setting('synchronous_commit') || ', ' || current_setting('transaction_read_only')
		|| ', ' || current_setting('transaction_isolation')`)
	if want := "on, off, read committed"; got != want {
		t.Errorf("the transaction is %s, want %s", got, want)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}
