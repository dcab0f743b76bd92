package widen

import (
	"context"
	"fmt"

	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// Waiting says what became of the values that waited in _discards for a wider column.
type Waiting struct {
	Stored int64 `json:"stored"` // are in their rows now
	Left   int64 `json:"left"`   // still wait: the column does not hold them either, or their row has a value
}

// cured are the reasons of values that a wider type can hold.
func cured() []schema.Reason { return []schema.Reason{schema.TypeMismatch, schema.NumberOutOfRange} }

// storeWaiting replays what waits for such a reason in the table. That is a load like any other: it can be undone.
func (j *Job) storeWaiting(ctx context.Context) (Waiting, error) {
	before, err := j.countWaiting(ctx)
	if err != nil || before == 0 {
		return Waiting{}, err
	}
	j.req.Progress(Progress{Step: StepDiscards, Total: before})
	// Managed: nothing but values is to come in now.
	l, err := loader.New(j.pool, loader.Config{Source: j.req.Source, Schema: j.req.Schema, Evolve: loader.Managed})
	if err != nil {
		return Waiting{}, fmt.Errorf("replay what waits for %s.%s: %w", j.req.Table, j.req.Column, err)
	}
	defer l.Close()
	if _, err := l.Replay(ctx, loader.Selection{Reasons: cured(), Table: j.req.Table}); err != nil {
		return Waiting{}, fmt.Errorf("replay what waits for %s.%s: %w", j.req.Table, j.req.Column, err)
	}
	left, err := j.countWaiting(ctx)
	if err != nil {
		return Waiting{}, err
	}
	return Waiting{Stored: max(0, before-left), Left: left}, nil
}

func (j *Job) countWaiting(ctx context.Context) (n int64, err error) {
	err = j.pool.QueryRow(ctx, "select count(*) from "+ident(j.req.Schema, "_discards")+
		" where table_name = $1 and column_name = $2 and reason = any($3) and replayed_at is null", j.req.Table, j.req.Column, cured()).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what waits for %s.%s: %w", j.req.Table, j.req.Column, err)
	}
	return n, nil
}
