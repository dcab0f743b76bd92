package loader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/source/waiting"
	"github.com/tapline/tapline/schema"
)

// Selection says what of that which waits in _quarantine and _discards is to be replayed, and how CleverTap's records are
// read. The zero Selection is everything.
type Selection struct {
	// Reasons defaults to all that a record or a value can wait for.
	Reasons []schema.Reason
	// Table is the table that events belong to and values are for. Defaults to all.
	Table string
	// Since and Until bound when something was put there: from Since on and before Until. Defaults to any time.
	Since, Until time.Time
	// Limit is how many records that can be decoded are tried, and how many values. Defaults to all.
	Limit int64
	// Timezone, Account, Event and UserIdentity are as in FileOptions: the source's settings as they are now. An event that
	// the record's own file had named above it stays.
	Timezone     *time.Location
	Account      string
	Event        string
	UserIdentity string
}

// ReplayReport is what a Replay did.
type ReplayReport struct {
	// Records is what became of records that waited in quarantine: rows, duplicates of what is there, values that went to
	// discards. Its Refused are those that go on waiting, by the reason of now.
	Records Report
	// Cut is how many records of the selection cannot be replayed: only their first KiB was kept (event_too_large).
	Cut int64
	// Filled is how many waiting values were put into their rows, by table.
	Filled map[string]int64
	// Kept is how many values go on waiting, by the reason of now.
	Kept map[schema.Reason]int64
	// Loads are the keys of the replay's rows in _loads: one for the records, one for each batch of values. Admin's undo
	// takes them back, one by one.
	Loads []uuid.UUID
	// Duration is how long it took.
	Duration time.Duration
}

// Values is the sum of Filled.
func (r *ReplayReport) Values() (n int64) {
	for _, filled := range r.Filled {
		n += filled
	}
	return n
}

// Waiting is how many records and values of the selection go on waiting.
func (r *ReplayReport) Waiting() (n int64) {
	for _, kept := range r.Kept {
		n += kept
	}
	for _, refused := range r.Records.Refused {
		n += refused
	}
	return n + r.Cut
}

// SettingsError says that records of the selection cannot be read without further settings.
type SettingsError struct{ Missing string }

// Error names what is missing.
func (e *SettingsError) Error() string {
	return "some of the waiting records are CleverTap's, whose times have no zone and which have no id: " + e.Missing + " is missing"
}

// Replay reads what waits in the source's quarantine again and puts what waits in its discards into the rows: everything
// that a migration, a setting or a dropped constraint has cured since. The records take the way of any load, in one
// transaction that also marks them in _quarantine; they have the ids and the received_at that they would have had, and a
// new uuid_ts. The values follow in transactions of some thousands each, which mark them in _discards; the uuid_ts of their
// rows stays. users, accounts and a tracks table follow. What cannot be brought in stays where it is and is counted.
//
// Everything comes in exactly once, whoever else replays or loads at the same time and wherever a replay is killed. The
// error is a *SettingsError before anything is done, a *UnitsError if Postgres refuses too many records; what the report
// counts is committed in any case. Replay keeps one connection of the pool while it asks for another:
// replays side by side need a pool each, or one with two connections for each of them.
func (l *Loader) Replay(ctx context.Context, s Selection) (ReplayReport, error) {
	return l.replay(ctx, s, false)
}

// PlanReplay says what Replay would do and touches nothing. Records whose events are in the tables already count as loaded,
// and values that would only be discarded anew by it are not counted.
func (l *Loader) PlanReplay(ctx context.Context, s Selection) (ReplayReport, error) {
	return l.replay(ctx, s, true)
}

func (l *Loader) replay(ctx context.Context, s Selection, dry bool) (ReplayReport, error) {
	start := l.cfg.Now()
	out := ReplayReport{Records: *newReport(l.cfg.Schema), Filled: map[string]int64{}, Kept: map[schema.Reason]int64{}}
	if l.pool == nil {
		return out, errors.New("replay: the loader was made without a pool")
	}
	err := forOwner(l.replayAll(ctx, s, dry, &out))
	out.Duration = l.cfg.Now().Sub(start)
	return out, err
}

func (l *Loader) replayAll(ctx context.Context, s Selection, dry bool, out *ReplayReport) error {
	if err := Check(ctx, l.pool); err != nil {
		return err
	}
	exists, err := catalog.Exists(ctx, l.pool, l.cfg.Schema)
	if err != nil || !exists { // nothing can wait there, and nothing is to be made for it
		return err
	}
	records, err := l.waiting(s)
	if err != nil {
		return err
	}
	if dry {
		err = l.replayRecords(ctx, records, s, l.Plan, out)
	} else {
		err = l.replayRecords(ctx, records, s, l.Load, out)
	}
	var units *UnitsError
	if err != nil && !errors.As(err, &units) {
		return err
	}
	return errors.Join(err, l.replayValues(ctx, s, dry, out))
}

func (l *Loader) waiting(s Selection) (*waiting.Source, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("make key of replay: %w", err)
	}
	return waiting.New(waiting.Options{
		Pool: l.pool, Schema: l.cfg.Schema, Key: "replay:" + id.String(), Reasons: s.Reasons, Table: s.Table,
		Since: s.Since, Until: s.Until, Limit: s.Limit,
		Timezone: s.Timezone, Account: s.Account, Event: s.Event, UserIdentity: s.UserIdentity,
	}), nil
}

// replayRecords brings in what waits in quarantine.
func (l *Loader) replayRecords(ctx context.Context, records *waiting.Source, s Selection,
	run func(context.Context, Source) (Report, error), out *ReplayReport,
) error {
	counts, err := records.Count(ctx)
	if err != nil {
		return err
	}
	if s.Table == "" { // of a record that is cut nobody knows which
		out.Cut = counts.Cut
	}
	switch {
	case counts.CleverTap && s.Timezone == nil:
		return &SettingsError{"the time zone"}
	case counts.CleverTap && s.Account == "":
		return &SettingsError{"the account"}
	case counts.Records == 0:
		return nil
	}
	out.Records, err = run(ctx, records)
	for i := range out.Records.Units {
		if id := out.Records.Units[i].Load; id != uuid.Nil && err == nil {
			out.Loads = append(out.Loads, id)
		}
	}
	return err
}
