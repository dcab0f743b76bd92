// Package bench measures loads against psql's \copy of the very same rows, which is as fast as a single client gets:
// no JSON to parse, no ids to look at, the rows ready in COPY's own binary format.
//
// Both sides are whole processes, timed from their start to their last COMMIT, in turn, into identical empty tables
// with the same keys, on the same server. Absolute times depend on the machine; the ratio is what counts.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/gen"
)

// Options say what to measure.
type Options struct {
	// DSN is the server. The benchmark makes schemas bench_tapline and bench_psql in it, and drops them at its end.
	DSN string
	// Psql is the program, and Tapline the command that loads: the arguments of a load follow.
	Psql    string
	Tapline []string
	// Dir gets the event file and the exported rows: about 3 KB an event. Defaults to a temporary folder.
	Dir string
	// Events defaults to a million, in Files files, by default 4: tapline loads large ones side by side. Rounds defaults to 5.
	Events int64
	Files  int
	Rounds int
	// Seed chooses the events.
	Seed uint64
	// Log gets a line for each step. Defaults to none.
	Log io.Writer
}

// Run is one timed process.
type Run struct {
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"rows_per_second"`
	// CPU is user and system time of the client process in microseconds an event.
	CPU float64 `json:"client_cpu_us_per_event"`
	// MaxRSS is the largest resident size of the client process in bytes (VmHWM); 0 if it is not known, as for psql.
	MaxRSS int64 `json:"max_rss_bytes,omitempty"`
}

// Result is what was measured.
type Result struct {
	Events    int64   `json:"events"`
	Files     int     `json:"files"`
	JSONBytes int64   `json:"json_bytes"`
	Columns   float64 `json:"columns_filled_per_row"`
	Tapline   []Run   `json:"tapline"`
	PsqlHeap  []Run   `json:"psql_heap_order"`
	PsqlByID  []Run   `json:"psql_id_order"`
	// Ratio is tapline's median rate over the median of psql's faster order.
	Ratio float64 `json:"ratio"`
	// Allocations per 10,000 events from bytes to COPY messages, in steady state.
	Allocations float64 `json:"allocations_per_10000_events"`
}

const (
	ours   = "bench_tapline"
	theirs = "bench_psql"
)

// bench is a run with its connections.
type bench struct {
	Options
	conn   *pgx.Conn
	tables []string
	rows   int64
	folder string // of the event files
}

// Measure runs the benchmark.
func Measure(ctx context.Context, o Options) (_ *Result, err error) {
	if o.Events == 0 {
		o.Events = 1_000_000
	}
	if o.Files == 0 {
		o.Files = 4
	}
	if o.Rounds == 0 {
		o.Rounds = 5
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "tapline-bench-"); err != nil {
			return nil, fmt.Errorf("make folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	conn, err := pgx.Connect(ctx, o.DSN)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	b := &bench{Options: o, conn: conn, folder: filepath.Join(o.Dir, "events")}
	defer func() { err = b.dropSchemas(context.WithoutCancel(ctx), err) }()
	return b.measure(ctx)
}

func (b *bench) measure(ctx context.Context) (*Result, error) {
	r := &Result{Events: b.Events, Files: b.Files}
	if err := b.prepare(ctx, r); err != nil {
		return nil, err
	}
	for round := range b.Rounds {
		for _, side := range []struct {
			name string
			into *[]Run
			run  func(context.Context) (Run, error)
		}{
			{"psql, heap order", &r.PsqlHeap, b.psql("heap")},
			{"tapline", &r.Tapline, b.load},
			{"psql, order by id", &r.PsqlByID, b.psql("byid")},
		} {
			run, err := side.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", side.name, err)
			}
			*side.into = append(*side.into, run)
			fmt.Fprintf(b.Log, "round %d  %-18s %6.2f s  %8.0f rows/s  %5.2f us client CPU per event\n",
				round+1, side.name, run.Seconds, run.Rate, run.CPU)
		}
	}
	r.Ratio = Median(r.Tapline).Rate / max(Median(r.PsqlHeap).Rate, Median(r.PsqlByID).Rate)
	return r, nil
}

// Median is the run with the median rate.
func Median(runs []Run) Run {
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b Run) int { return cmp.Compare(a.Rate, b.Rate) })
	return sorted[len(sorted)/2]
}

// prepare writes the event files, loads them once, and exports the rows in both orders.
func (b *bench) prepare(ctx context.Context, r *Result) error {
	fmt.Fprintf(b.Log, "write %d events to %s\n", b.Events, b.folder)
	var err error
	if r.JSONBytes, err = b.writeEvents(); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	if err := b.dropSchemas(ctx, nil); err != nil {
		return err
	}
	fmt.Fprintln(b.Log, "load them once, export the rows")
	if _, err := b.time(b.command(ctx)); err != nil {
		return fmt.Errorf("first load: %w", err)
	}
	if err := b.export(ctx, r); err != nil {
		return err
	}
	r.Allocations, err = Allocations(ctx, b.Seed)
	return err
}

// writeEvents makes the event files: one series of events, cut into pieces.
func (b *bench) writeEvents() (bytes int64, err error) {
	if err := os.MkdirAll(b.folder, 0o755); err != nil {
		return 0, err
	}
	out := &pieces{name: func(n int) string { return filepath.Join(b.folder, fmt.Sprintf("events-%03d.ndjson", n)) }}
	out.lines = (b.Events + int64(b.Files) - 1) / int64(b.Files)
	stats, err := gen.Write(out, gen.Options{Seed: b.Seed, Events: b.Events, Kind: gen.Segment})
	return stats.Bytes, errors.Join(err, out.Close())
}

func (b *bench) command(ctx context.Context) *exec.Cmd {
	args := slices.Concat(b.Tapline[1:], []string{"load", "--quiet", "--json", "--dsn", b.DSN, "--source", ours, b.folder})
	return exec.CommandContext(ctx, b.Tapline[0], args...)
}

// time runs a process and returns what it used.
func (b *bench) time(cmd *exec.Cmd) (Run, error) {
	cmd.Stderr = os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return Run{}, fmt.Errorf("run %s: %w", filepath.Base(cmd.Path), err)
	}
	return b.used(cmd, time.Since(start)), nil
}

func (b *bench) used(cmd *exec.Cmd, d time.Duration) Run {
	s := cmd.ProcessState
	run := Run{Seconds: d.Seconds()}
	if b.rows > 0 {
		run.Rate = float64(b.rows) / run.Seconds
		run.CPU = float64((s.UserTime() + s.SystemTime()).Microseconds()) / float64(b.rows)
	}
	return run
}
