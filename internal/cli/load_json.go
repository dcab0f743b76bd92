package cli

import (
	"time"

	"github.com/google/uuid"

	"github.com/tapline/tapline/internal/bench"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// loadJSON is the document of load --json. Its keys are stable.
type loadJSON struct {
	Source      string                  `json:"source"`
	Schema      string                  `json:"schema"`
	DryRun      bool                    `json:"dry_run"`
	ExitCode    int                     `json:"exit_code"`
	Error       string                  `json:"error,omitempty"`
	Counts      countsJSON              `json:"counts"`
	Files       filesJSON               `json:"files"`
	Units       []unitJSON              `json:"units"`
	Tables      map[string]tableJSON    `json:"tables"`
	Quarantine  map[schema.Reason]int64 `json:"quarantine"`
	Discards    map[schema.Reason]int64 `json:"discards"`
	Warnings    []string                `json:"warnings"`
	Blocked     []columnJSON            `json:"blocked_columns"`
	SQL         string                  `json:"sql,omitempty"`
	Seconds     float64                 `json:"duration_seconds"`
	PerSecond   int64                   `json:"events_per_second"`
	CommittedAt string                  `json:"committed_at,omitempty"`
	MaxRSS      int64                   `json:"max_rss_bytes,omitempty"` // of this process so far; Linux only
}

type countsJSON struct {
	Accepted    int64 `json:"accepted"`
	Loaded      int64 `json:"loaded"`
	Quarantined int64 `json:"quarantined"`
	Duplicates  int64 `json:"duplicates"`
	Filtered    int64 `json:"filtered"`
	Discarded   int64 `json:"discarded_values"`
	Bytes       int64 `json:"bytes"`
}

type filesJSON struct {
	Finished int `json:"finished"`
	Skipped  int `json:"skipped"`
	Failed   int `json:"failed"`
}

type unitJSON struct {
	Unit   string        `json:"unit"`
	Status loader.Status `json:"status"`
	Load   string        `json:"load,omitempty"`
	countsJSON
	Error string `json:"error,omitempty"`
}

type tableJSON struct {
	Loaded     int64    `json:"loaded"`
	Duplicates int64    `json:"duplicates"`
	Discarded  int64    `json:"discarded_values"`
	New        bool     `json:"new"`
	NewColumns []string `json:"new_columns"`
	Widened    []string `json:"widened_columns"`
}

type columnJSON struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Widen  string `json:"widen_command"`
}

func newLoadJSON(o *outcome, code int) *loadJSON {
	r := o.report
	out := &loadJSON{
		Source: o.source, Schema: r.Schema, DryRun: o.dryRun, ExitCode: code, Counts: newCounts(r.Counts),
		Files:  filesJSON{r.FinishedUnits(), r.SkippedUnits(), r.FailedUnits()},
		Units:  make([]unitJSON, 0, len(r.Units)),
		Tables: make(map[string]tableJSON, len(r.Tables)), Quarantine: r.Quarantine, Discards: r.Discards,
		Warnings: list(warnings(o)), Blocked: make([]columnJSON, 0, len(r.Blocked)), SQL: r.Plan,
		Seconds: r.Duration.Seconds(), PerSecond: perSecond(r.Accepted, r.Duration), MaxRSS: bench.MaxRSS(),
	}
	if o.err != nil {
		out.Error = describe(o.err)
	}
	for i := range r.Units {
		out.Units = append(out.Units, newUnit(&r.Units[i]))
	}
	for name, t := range r.Tables {
		out.Tables[name] = tableJSON{t.Loaded, t.Duplicates, t.Discarded, t.New, list(t.NewColumns), list(t.Widened)}
	}
	for _, b := range r.Blocked {
		out.Blocked = append(out.Blocked, columnJSON{b[0], b[1], o.widenCommand(b)})
	}
	if !r.Committed.IsZero() {
		out.CommittedAt = r.Committed.UTC().Format(time.RFC3339Nano)
	}
	return out
}

func newUnit(u *loader.UnitReport) unitJSON {
	out := unitJSON{Unit: u.Unit, Status: u.Status, countsJSON: newCounts(u.Counts)}
	if u.Load != uuid.Nil {
		out.Load = u.Load.String()
	}
	if u.Err != nil {
		out.Error = describe(u.Err)
	}
	return out
}

func newCounts(c loader.Counts) countsJSON {
	return countsJSON{c.Accepted, c.Loaded, c.Quarantined, c.Duplicates, c.Filtered, c.Discarded, c.Bytes}
}

// list makes an empty list of none: null would be a third thing to handle.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
