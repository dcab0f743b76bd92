package ledger

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Options returns those of every transaction that writes to a source. It is READ COMMITTED: after a wait for a lock, what was
// committed meanwhile must be seen.
func Options() pgx.TxOptions {
	return pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}
}

// Settle makes a transaction independent of what a DBA has set for the role or the database: it must be durable and must
// not be cut off. It is the first thing in it.
func Settle(ctx context.Context, tx pgx.Tx) error {
	sql := "set local synchronous_commit = on; set local statement_timeout = 0; " +
		"set local lock_timeout = 0; set local idle_in_transaction_session_timeout = 0; " +
		// A machine that vanishes must not keep its unit for two hours.
		"set local tcp_keepalives_idle = 30; set local tcp_keepalives_interval = 10; set local tcp_keepalives_count = 3"
	if major(tx.Conn().PgConn().ParameterStatus("server_version")) >= 17 {
		sql += "; set local transaction_timeout = 0"
	}
	if _, err := tx.Exec(ctx, sql); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	return nil
}

// major returns the number that a version such as "17.2 (Debian 17.2-1)" or "18beta1" begins with, 0 if there is none.
func major(version string) int {
	end := 0
	for end < len(version) && version[end] >= '0' && version[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(version[:end]) // of no digits it is 0
	return n
}
