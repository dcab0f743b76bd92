package crash_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pause is how long the observer rests between two looks.
const pause = 10 * time.Millisecond

// observer looks at the tables again and again while others load: it is the analyst who must never see half a file.
type observer struct {
	stop context.CancelFunc
	done sync.WaitGroup

	looks, partly int // how often it looked, and saw another number of rows than before
	last          int64
	err           error
}

// observe starts an observer of a database. It ends with the test at the latest.
func observe(t *testing.T, pool *pgxpool.Pool) *observer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	o := &observer{stop: cancel}
	o.done.Go(func() {
		for o.err == nil && ctx.Err() == nil {
			o.look(pool)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	})
	t.Cleanup(func() { _ = o.end() })
	return o
}

// end stops the observer and returns what it saw that must not be.
func (o *observer) end() error {
	o.stop()
	o.done.Wait()
	return o.err
}

// mustHaveSeen ends the observer and fails the test if it saw half a file, or did not see the rows become more at least
// that many times.
func (o *observer) mustHaveSeen(t *testing.T, changes int) {
	t.Helper()
	if err := o.end(); err != nil {
		t.Errorf("while loading: %v", err)
	}
	t.Logf("%d snapshots, %d of a new number of rows", o.looks, o.partly)
	if o.partly < changes {
		t.Errorf("%d of %d snapshots had a new number of rows, want %d", o.partly, o.looks, changes)
	}
}

// look is not cut off when the observer ends: the server would have its transaction for a while yet.
func (o *observer) look(pool *pgxpool.Pool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	rows, err := snapshot(ctx, pool)
	switch {
	case err == nil:
		o.looks++
		if rows != o.last {
			o.partly++
		}
		o.last = rows
	case errors.Is(err, errHalf):
		o.err = err
	}
	// Every other error is the server's or its lack of one: that the loaders come through is for them to prove.
}

var errHalf = errors.New("a part of a load is visible")

// snapshot counts, at one instant, the rows of all tables and what the ledger says of them.
func snapshot(ctx context.Context, pool *pgxpool.Pool) (rows int64, err error) {
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it only reads
	if err := lockTables(ctx, pool, tx); err != nil {
		return 0, err
	}
	var ledger, quarantined, discarded, units, loads int64
	err = tx.QueryRow(ctx, "select coalesce(sum(rows), 0), coalesce(sum(quarantined), 0), coalesce(sum(discarded), 0), "+
		"count(*), (select count(*) from crash_test._units) from crash_test._loads where status = 'finished'").
		Scan(&ledger, &quarantined, &discarded, &loads, &units)
	if err != nil {
		return 0, err
	}
	names, err := tableNames(ctx, tx, schemaName)
	if err != nil {
		return 0, err
	}
	var counts []string
	for _, name := range eventTables(names) {
		counts = append(counts, "(select count(*) from "+pgx.Identifier{schemaName, name}.Sanitize()+")")
	}
	var inQuarantine, inDiscards int64
	err = tx.QueryRow(ctx, "select "+strings.Join(counts, " + ")+", (select count(*) from crash_test._quarantine), "+
		"(select count(*) from crash_test._discards)").Scan(&rows, &inQuarantine, &inDiscards)
	if err != nil {
		return 0, err
	}
	if rows != ledger || inQuarantine != quarantined || inDiscards != discarded || loads != units {
		return 0, fmt.Errorf("%w: tables have %d rows, %d quarantined, %d discards, %d units; "+
			"loads count %d, %d, %d, %d", errHalf, rows, inQuarantine, inDiscards, units, ledger, quarantined, discarded, loads)
	}
	return rows, nil
}

// lockTables keeps the tables from being rewritten, before the transaction has its snapshot: to one that is older than a
// rewrite, as a column's new type may need it, Postgres shows the table as empty. Other tables may come meanwhile; these
// are new to the snapshot, and empty in it.
func lockTables(ctx context.Context, pool *pgxpool.Pool, tx pgx.Tx) error {
	names, err := tableNames(ctx, pool, schemaName)
	if err != nil {
		return err
	}
	var quoted []string
	for _, name := range eventTables(names) {
		quoted = append(quoted, pgx.Identifier{schemaName, name}.Sanitize())
	}
	if len(quoted) == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, "lock table "+strings.Join(quoted, ", ")+" in access share mode")
	return err
}
