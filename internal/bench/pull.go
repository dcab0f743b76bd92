package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/clevertapfake"
)

// pullPage is how many records a page has, as pull asks for them.
const pullPage = 5000

// PullResult is what pulling was measured to be.
type PullResult struct {
	Events    int64   `json:"events"`
	JSONBytes int64   `json:"json_bytes"`
	Windows   int     `json:"windows"`
	Runs      []Run   `json:"runs"`
	Rate      float64 `json:"events_per_second"` // the median
}

// Pull measures tapline pull, a process of its own, from a server in this process that has all its pages ready and answers
// at once, into empty tables that have all columns. A run's time is from its start to its last COMMIT; the processors are
// the server's, too.
func Pull(ctx context.Context, o Options) (_ *PullResult, err error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	conn, err := pgx.Connect(ctx, o.DSN)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	b := &bench{Options: o, conn: conn}
	fmt.Fprintf(o.Log, "invent %d events, make their pages\n", o.Events)
	people, err := clevertapfake.NewPopulation(clevertapfake.PopulationOptions{Events: o.Events, Seed: o.Seed})
	if err != nil {
		return nil, err
	}
	server, err := clevertapfake.New(clevertapfake.Options{Population: people})
	if err != nil {
		return nil, err
	}
	server.Prerender(pullPage)
	if err := server.Start(""); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if err := b.dropSchemas(ctx, nil); err != nil {
		return nil, err
	}
	defer func() { err = b.dropSchemas(context.WithoutCancel(ctx), err) }()
	return b.pulls(ctx, server, people)
}

// pulls pulls once to have the tables, and then as often as is asked for.
func (b *bench) pulls(ctx context.Context, server *clevertapfake.Server, people *clevertapfake.Population) (*PullResult, error) {
	b.rows = people.Len()
	r := &PullResult{Events: b.rows}
	for _, e := range people.Events() {
		for _, record := range people.Records(e, 0) {
			r.JSONBytes += int64(len(record.Raw))
		}
	}
	first, last := people.Days()
	dashed := func(n int) string { return fmt.Sprintf("%04d-%02d-%02d", n/10_000, n/100%100, n%100) }
	args := []string{
		"pull", "--quiet", "--json", "--dsn", b.DSN, "--source", ours, "--endpoint", server.URL(), "--account-id", clevertapfake.DefaultAccount,
		"--timezone", "Asia/Kolkata", "--from", dashed(first), "--to", dashed(last),
	}
	for round := range b.Rounds + 1 {
		if err := b.empty(ctx); err != nil {
			return nil, err
		}
		run, windows, err := b.pull(ctx, args)
		if err != nil {
			return nil, err
		}
		if r.Windows = windows; round == 0 {
			continue // it made the tables
		}
		r.Runs = append(r.Runs, run)
		fmt.Fprintf(b.Log, "round %d  %6.2f s  %8.0f events/s  %5.2f us client CPU per event\n", round, run.Seconds, run.Rate, run.CPU)
	}
	r.Rate = Median(r.Runs).Rate
	return r, nil
}

// empty empties all tables that are there.
func (b *bench) empty(ctx context.Context) error {
	rows, _ := b.conn.Query(ctx, "select relname from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = $1 and relkind = 'r'"+
		" and (relname !~ '^_' or relname in ('_units', '_loads', '_discards', '_quarantine'))", ours) // CollectRows has its error
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	for _, t := range names {
		if _, err := b.conn.Exec(ctx, "truncate "+pgx.Identifier{ours, t}.Sanitize()); err != nil {
			return fmt.Errorf("empty %s: %w", t, err)
		}
	}
	return b.settle(ctx)
}

// pull runs one pull, which has to bring all rows.
func (b *bench) pull(ctx context.Context, args []string) (Run, int, error) {
	cmd := exec.CommandContext(ctx, b.Tapline[0], slices.Concat(b.Tapline[1:], args)...)
	cmd.Env = append(os.Environ(), "CLEVERTAP_PASSCODE="+clevertapfake.DefaultPasscode)
	var out bytes.Buffer
	cmd.Stdout = &out
	start := time.Now()
	if _, err := b.time(cmd); err != nil {
		return Run{}, 0, fmt.Errorf("%w: %s", err, out.String())
	}
	var report struct {
		Committed time.Time              `json:"committed_at"`
		MaxRSS    int64                  `json:"max_rss_bytes"`
		Counts    struct{ Loaded int64 } `json:"counts"`
		Windows   struct{ Loaded int }   `json:"windows"`
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		return Run{}, 0, fmt.Errorf("read tapline's report: %w", err)
	}
	if report.Counts.Loaded != b.rows {
		return Run{}, 0, fmt.Errorf("%d rows were loaded, want %d", report.Counts.Loaded, b.rows)
	}
	run := b.used(cmd, report.Committed.Sub(start))
	run.MaxRSS = report.MaxRSS
	return run, report.Windows.Loaded, nil
}
