package federate

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Report is how one destination does.
type Report struct {
	Destination Destination
	// Delivered is how many messages have arrived since it was added; Filtered how many rows its filters left out.
	Delivered, Filtered int64
	// Pending is how many rows wait, PendingSince when the oldest of them was loaded; zero if none waits.
	Pending      int64
	PendingSince time.Time
	// Undelivered is what it did not take, by reason: rejected (it answered 400), too_large, invalid.
	Undelivered map[string]int64
	// LatencyP95 is how long 95 of 100 of the last requests took at most; 0 if there were none.
	LatencyP95 time.Duration
	// Sample is the last message that it did not take, nil if there is none.
	Sample *Undelivered
	// Leased says that a process sends to it now, until that time at least.
	Leased time.Time
	// Seq is the last load that is done.
	Seq      int64
	LastSent time.Time
}

// Undelivered is a message that a destination did not take.
type Undelivered struct {
	Destination, MessageID, Table, RowID string
	Reason                               string
	Response                             string // of the destination, cut
	Message                              json.RawMessage
	At                                   time.Time
}

// Status returns how the chosen destinations do, by name.
func (f *Federator) Status(ctx context.Context) ([]Report, error) {
	all, err := f.chosen(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Report, len(all))
	for i := range all {
		if out[i], err = f.report(ctx, &all[i]); err != nil {
			return nil, fmt.Errorf("status of destination %s: %w", all[i].Name, err)
		}
	}
	return out, nil
}

// ListUndelivered returns the newest messages that a destination did not take, at most limit.
func ListUndelivered(ctx context.Context, db DB, destination string, limit int) ([]Undelivered, error) {
	rows, err := db.Query(ctx, `select destination, message_id, table_name, row_id, reason, coalesce(response, ''), message, at from `+
		undelivered+` where destination = $1 order by at desc, message_id limit $2`, destination, limit)
	if err != nil {
		return nil, notSetUp(fmt.Errorf("list undelivered messages: %w", err))
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Undelivered])
}

// TestResult is what a destination answered to a test.
type TestResult struct {
	OK      bool
	Status  int           // HTTP status, 0 if there was no answer
	Body    string        // beginning of the answer
	Took    time.Duration // of the request
	Message string        // what is wrong and what to do, empty if OK
}

// Test sends one track event, "Tapline Destination Tested" of the user tapline-test, once and without retries, paused or
// not. The error is only about what goes before the request: an unknown destination, a key that cannot be read.
func (f *Federator) Test(ctx context.Context, name string) (TestResult, error) {
	d, err := Get(ctx, f.pool, name)
	if err != nil {
		return TestResult{}, err
	}
	return f.test(ctx, d)
}
