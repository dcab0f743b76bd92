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
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/migrations"
)

// Federated is what forwarding took.
type Federated struct {
	Rows    int64 `json:"rows"`
	Loads   int64 `json:"loads"`
	Columns int   `json:"columns_of_properties"`
	// Run is the process that forwards; its time is that between the first piece and the last that was noted as arrived.
	Run
	// Looked is how many rows Postgres looked at for each that was sent.
	Looked float64 `json:"rows_looked_at_per_row"`
}

const (
	forwarded        = "bench_federate" // schema, source and destination
	forwardedLoads   = 500
	forwardedColumns = 20
	forwardedKey     = "TAPLINE_BENCH_KEY"
)

// Federate measures how stored rows are forwarded: o.Events rows of 20 properties, in 500 loads, to a destination in a
// process of its own that parses every message and keeps one of each id. Sink is the command of that process. Of the
// Options, DSN, Tapline, Events and Log are used; schema bench_federate is dropped before and after.
func Federate(ctx context.Context, o Options, sink []string) (_ *Federated, err error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	conn, err := pgx.Connect(ctx, o.DSN)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	b := &bench{Options: o, conn: conn}
	if err := b.forgetForwarded(ctx, nil); err != nil {
		return nil, err
	}
	defer func() { err = b.forgetForwarded(context.WithoutCancel(ctx), err) }()
	out := &Federated{Rows: o.Events, Loads: min(forwardedLoads, o.Events), Columns: forwardedColumns}
	fmt.Fprintf(o.Log, "store %d rows in %d loads\n", out.Rows, out.Loads)
	if err := b.store(ctx, out); err != nil {
		return nil, fmt.Errorf("store rows: %w", err)
	}
	url, stop, err := startSink(ctx, sink)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	err = federate.Add(ctx, conn, federate.Destination{
		Name: forwarded, Source: forwarded, Endpoint: url, KeyFrom: "env:" + forwardedKey,
		Settings: federate.Settings{AllowHTTP: true, AllowPrivate: true},
	}, "", false)
	if err != nil {
		return nil, err
	}
	return out, b.forward(ctx, out, url)
}

// forward runs the process that is measured.
func (b *bench) forward(ctx context.Context, out *Federated, url string) error {
	before, err := b.looked(ctx)
	if err != nil {
		return err
	}
	args := slices.Concat(b.Tapline[1:], []string{"federate", forwarded, "--once", "--quiet", "--json", "--dsn", b.DSN})
	cmd := exec.CommandContext(ctx, b.Tapline[0], args...)
	cmd.Env = append(os.Environ(), forwardedKey+"=key")
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	var report struct {
		Seconds float64 `json:"seconds"`
		MaxRSS  int64   `json:"max_rss_bytes"`
	}
	if err := json.Unmarshal(text.Bytes(), &report); err != nil {
		return fmt.Errorf("read tapline's report: %w", err)
	}
	b.rows = out.Rows
	out.Run = b.used(cmd, time.Duration(report.Seconds*float64(time.Second)))
	out.MaxRSS = report.MaxRSS
	if err := kept(ctx, url, out.Rows); err != nil {
		return err
	}
	after, err := b.settled(ctx, before+out.Rows)
	out.Looked = float64(after-before) / float64(out.Rows)
	return err
}

// kept wants that many messages at the destination, and none that is wrong.
func kept(ctx context.Context, url string, want int64) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/kept", http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the destination: %w", err)
	}
	text, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return fmt.Errorf("ask the destination: %w", err)
	}
	var n, again, wrong int64
	if _, err := fmt.Sscan(string(text), &n, &again, &wrong); err != nil || n != want || wrong != 0 {
		return fmt.Errorf("the destination keeps %d messages, %d of them wrong, want %d (%w)", n, wrong, want, err)
	}
	return nil
}

// looked is how many rows of the table Postgres has looked at.
func (b *bench) looked(ctx context.Context) (n int64, err error) {
	if _, err := b.conn.Exec(ctx, "select pg_stat_clear_snapshot()"); err != nil {
		return 0, fmt.Errorf("read statistics: %w", err)
	}
	err = b.conn.QueryRow(ctx, `select (coalesce(idx_tup_fetch, 0) + seq_tup_read)::bigint from pg_stat_user_tables
		where schemaname = $1 and relname = 'order_placed'`, forwarded).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read statistics: %w", err)
	}
	return n, nil
}

// settled waits until the statistics, which come late, have at least that many rows.
func (b *bench) settled(ctx context.Context, least int64) (n int64, err error) {
	for range 100 {
		if n, err = b.looked(ctx); err != nil || n >= least {
			return n, err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return n, nil
}

// store makes the rows by SQL: what loading costs is not asked here. It has a connection of its own, because what that has
// looked at is in the statistics for sure once it is closed.
func (b *bench) store(ctx context.Context, out *Federated) (err error) {
	conn, err := pgx.ConnectConfig(ctx, b.conn.Config())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	m, err := migrations.Open(ctx, b.conn.Config(), forwarded, migrations.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Bootstrap(ctx, forwarded); err != nil {
		return err
	}
	columns, values := []string{}, []string{}
	for i := range forwardedColumns {
		columns = append(columns, fmt.Sprintf(`"property_%d" %s`, i, []string{"text", "bigint", "double precision", "boolean"}[i%4]))
		values = append(values, []string{"'some text ' || n", "n * 1000", "n / 8.0", "n % 2 = 0"}[i%4])
	}
	rows, loads := strconv.FormatInt(out.Rows, 10), strconv.FormatInt(out.Loads, 10)
	for _, sql := range []string{
		`create table ` + forwarded + `.order_placed (id text collate "C" primary key, received_at timestamptz, uuid_ts timestamptz, anonymous_id text,
			event text, event_text text, original_timestamp timestamptz, sent_at timestamptz, "timestamp" timestamptz, user_id text, ` + strings.Join(columns, ", ") + `)`,
		`create index on ` + forwarded + `.order_placed using brin (uuid_ts) with (autosummarize = on, pages_per_range = 16)`,
		`insert into ` + forwarded + `.order_placed select 'message-' || lpad(n::text, 30, '0'), now(),
			'2026-01-01'::timestamptz + (n * ` + loads + ` / ` + rows + `) * interval '1 s', null, 'order_placed', 'Order Placed', now(), now(), now(),
			'user ' || n % 1000, ` + strings.Join(values, ", ") + ` from generate_series(0, ` + rows + `::bigint - 1) n`,
		`insert into ` + forwarded + `._loads (seq, uuid_ts, status, rows, finished_at) select dense_rank() over (order by uuid_ts), uuid_ts, 'finished', count(*), now()
			from ` + forwarded + `.order_placed group by uuid_ts`,
		`vacuum analyze ` + forwarded + `.order_placed`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// forgetForwarded removes what the benchmark has made.
func (b *bench) forgetForwarded(ctx context.Context, err error) error {
	for _, sql := range []string{
		"delete from tapline.destinations where source = '" + forwarded + "'", "delete from tapline.sources where schema_name = '" + forwarded + "'",
	} {
		table := strings.Fields(sql)[2]
		var there bool
		if e := b.conn.QueryRow(ctx, "select to_regclass($1) is not null", table).Scan(&there); e != nil || !there {
			continue
		}
		if _, e := b.conn.Exec(ctx, sql); e != nil {
			err = errors.Join(err, fmt.Errorf("forget %s: %w", forwarded, e))
		}
	}
	if _, e := b.conn.Exec(ctx, "drop schema if exists "+forwarded+" cascade"); e != nil {
		err = errors.Join(err, fmt.Errorf("drop schema %s: %w", forwarded, e))
	}
	return err
}

// startSink starts the destination; stop ends it.
func startSink(ctx context.Context, command []string) (url string, stop func() error, err error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start the destination: %w", err)
	}
	stop = func() error { return errors.Join(in.Close(), cmd.Wait()) }
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("start the destination: %w", err), stop())
	}
	return strings.TrimSpace(line), stop, nil
}
