package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/registry"
	"github.com/tapline/tapline/migrations"
)

// Serving says how receiving events is measured: DSN, Tapline, Dir and Log are those of Options.
type Serving struct {
	Options
	// Rate is how many events a second are sent, PerRequest how many in a request, for how long, over how many connections.
	Rate, PerRequest, Connections int
	Duration                      time.Duration
}

// Served is what was measured.
type Served struct {
	Fired
	// Acknowledged is how many events a second were answered 200, of those that were sent. Each is on disk.
	Sent         int64   `json:"events_sent"`
	Taken        int64   `json:"events_acknowledged"`
	Acknowledged float64 `json:"events_acknowledged_per_second"`
	// Lost are requests that were answered 200 and are not in the table whole: 0, or a defect.
	Lost int64 `json:"requests_lost"`
	// FreshP50 and FreshMax are from sending an event to its being visible in its table, of one every 250 ms while the load
	// is on, in seconds.
	FreshP50 float64 `json:"freshness_p50_seconds"`
	FreshMax float64 `json:"freshness_max_seconds"`
	// Drained is how long after the last request everything was loaded, in seconds.
	Drained float64 `json:"drained_after_seconds"`
	// Fsyncs and Fsyncs256K are how often a second 4 KiB and 256 KiB are written and synced in the folder of the stream.
	Fsyncs     float64 `json:"fsyncs_per_second"`
	Fsyncs256K float64 `json:"fsyncs_256kib_per_second"`
	MaxRSS     int64   `json:"max_rss_bytes"`
	CPU        float64 `json:"serve_cpu_seconds"`
}

// served is schema and source.
const served = "bench_serve"

// Serve measures tapline serve with Postgres loading at the same time, and a load generator in a process of its own, whose
// command is fire. Schema bench_serve is dropped before and after.
func Serve(ctx context.Context, o Serving, fire []string) (_ *Served, err error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	conn, err := pgx.Connect(ctx, o.DSN)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := forgetServed(ctx, conn); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, forgetServed(context.WithoutCancel(ctx), conn)) }()
	dir, err := os.MkdirTemp(o.Dir, "tapline-bench-*")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	out := &Served{}
	fmt.Fprintln(o.Log, "measure the disk")
	if out.Fsyncs, err = fsyncs(dir, 4<<10); err == nil {
		out.Fsyncs256K, err = fsyncs(dir, 256<<10)
	}
	if err != nil {
		return nil, err
	}
	p, err := startServe(ctx, &o, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	return out, o.measure(ctx, out, conn, p, fire, filepath.Join(dir, "taken"))
}

func (o *Serving) measure(ctx context.Context, out *Served, conn *pgx.Conn, p *serveProcess, fire []string, taken string) error {
	fmt.Fprintf(o.Log, "send %d events a second for %s\n", o.Rate, o.Duration)
	probing, end := context.WithCancel(ctx)
	defer end()
	fresh := make(chan []float64, 1)
	go func() { fresh <- probe(probing, o.DSN, p) }()
	if err := o.fire(ctx, out, p, fire, taken); err != nil {
		return err
	}
	ended := time.Now()
	end()
	seconds := <-fresh
	out.FreshP50, out.FreshMax = percentile(seconds, 0.5), percentile(seconds, 1)
	out.Sent = out.Requests * int64(o.PerRequest)
	out.Taken = out.Answers["200"] * int64(o.PerRequest)
	out.Acknowledged = float64(out.Taken) / out.Seconds
	fmt.Fprintln(o.Log, "wait until everything is loaded")
	if err := p.drained(ctx); err != nil {
		return err
	}
	out.Drained = time.Since(ended).Seconds()
	pid := strconv.Itoa(p.cmd.Process.Pid)
	out.MaxRSS, out.CPU = maxRSSOf(pid), cpuOf(pid)
	var err error
	out.Lost, err = lost(ctx, conn, taken, o.PerRequest)
	return err
}

// fire runs the load generator.
func (o *Serving) fire(ctx context.Context, out *Served, p *serveProcess, fire []string, taken string) error {
	cmd := exec.CommandContext(ctx, fire[0], append(fire[1:], "--address", strings.TrimPrefix(p.URL, "http://"), "--rate", strconv.Itoa(o.Rate),
		"--per-request", strconv.Itoa(o.PerRequest), "--for", o.Duration.String(), "--connections", strconv.Itoa(o.Connections), "--taken", taken)...)
	cmd.Env = append(os.Environ(), FireKey+"="+p.NewKey.WriteKey)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("generate load: %w", err)
	}
	if err := json.Unmarshal(text.Bytes(), &out.Fired); err != nil {
		return fmt.Errorf("read the generator's report: %w", err)
	}
	return nil
}

// FireKey is the environment variable that has the generator's write key.
const FireKey = "TAPLINE_BENCH_KEY"

// serveProcess is tapline serve at work.
type serveProcess struct {
	cmd    *exec.Cmd
	URL    string
	Admin  string
	NewKey struct {
		WriteKey string `json:"write_key"`
	} `json:"new_key"`
}

func startServe(ctx context.Context, o *Serving, dir string) (*serveProcess, error) {
	cmd := exec.CommandContext(ctx, o.Tapline[0], append(o.Tapline[1:], "serve", "--source", served, "--data-dir", dir,
		"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--json", "--dsn", o.DSN)...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start tapline serve: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start tapline serve: %w", err)
	}
	p := &serveProcess{cmd: cmd}
	if err := json.NewDecoder(stdout).Decode(p); err != nil || p.URL == "" {
		return nil, errors.Join(errors.New("tapline serve did not start"), err, p.stop())
	}
	return p, nil
}

func (p *serveProcess) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error of Wait says more
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("stop tapline serve: %w", err)
	}
	return nil
}

// drained waits until nothing of the stream is left to be loaded.
func (p *serveProcess) drained(ctx context.Context) error {
	for {
		left, err := p.unloaded(ctx)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (p *serveProcess) unloaded(ctx context.Context) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Admin+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read, or is of no use
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), `tapline_stream_unloaded_messages{source="`+served+`"} `); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 1, nil // it does not say: not yet
}

// fsyncs is how often a second so many bytes are appended to a file and synced.
func fsyncs(dir string, size int) (float64, error) {
	f, err := os.CreateTemp(dir, "fsync-*")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(f.Name()) }() // the folder goes anyway
	block, start, n := make([]byte, size), time.Now(), 0
	for time.Since(start) < time.Second {
		if _, err := f.Write(block); err != nil {
			return 0, errors.Join(err, f.Close())
		}
		if err := f.Sync(); err != nil {
			return 0, errors.Join(err, f.Close())
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds(), f.Close()
}

// lost counts the requests that were answered 200 of which not every event is in the table.
func lost(ctx context.Context, conn *pgx.Conn, taken string, perRequest int) (int64, error) {
	text, err := os.ReadFile(taken)
	if err != nil {
		return 0, err
	}
	rows, err := conn.Query(ctx, `select request from `+pgx.Identifier{served, "bench_event"}.Sanitize()+` group by request having count(*) = $1`, perRequest)
	if err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	there := map[int64]bool{}
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&n}, func() error { there[n] = true; return nil }); err != nil {
		return 0, fmt.Errorf("count rows: %w", err)
	}
	var missing int64
	for line := range strings.FieldsSeq(string(text)) {
		n, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			return 0, err
		}
		if !there[n] {
			missing++
		}
	}
	return missing, nil
}

// forgetServed drops the schema and forgets the source.
func forgetServed(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "drop schema if exists "+pgx.Identifier{served}.Sanitize()+" cascade"); err != nil {
		return fmt.Errorf("drop schema: %w", err)
	}
	if err := migrations.Control(ctx, conn.Config(), migrations.Options{}); err != nil {
		return err
	}
	var missing *registry.NotFoundError
	if err := registry.New(conn, "").Remove(ctx, served); err != nil && !errors.As(err, &missing) {
		return err
	}
	return nil
}
