package federate_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
)

// sinkProcess makes the test binary a destination: it parses and keeps ids, prints its address, and at /kept how many.
const sinkProcess = "TAPLINE_TEST_SINK"

// serveSink is main of that process. It ends with its standard input, and so with the test.
func serveSink() {
	s := &sink.Sink{Forget: true}
	mux := http.NewServeMux()
	mux.Handle("/v1/batch", s)
	mux.HandleFunc("/kept", func(w http.ResponseWriter, _ *http.Request) {
		kept, _, _ := s.Counts()
		fmt.Fprint(w, kept, " ", len(s.Wrong()))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("http://" + listener.Addr().String())
	go func() { _ = http.Serve(listener, mux) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func startSink(b *testing.B) (url string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), sinkProcess+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		b.Fatal("the sink does not start")
	}
	return lines.Text()
}

// Rows and loads of the benchmark: 20 columns of properties beside the standard ones. TAPLINE_BENCH_ROWS changes the first.
const (
	benchRows  = 1_000_000
	benchLoads = 500
)

// BenchmarkFederate sends stored rows to a destination in another process that parses them and keeps their ids. It prints
// how many rows Postgres looked at for each that was sent, and the peak memory of this process.
func BenchmarkFederate(b *testing.B) {
	rows := benchRows
	if n, err := strconv.Atoi(os.Getenv("TAPLINE_BENCH_ROWS")); err == nil {
		rows = n
	}
	pool := pgtest.PoolAt(b, pgtest.DSN(b))
	store(b, pool, rows, benchLoads)
	url := startSink(b)
	for n := 0; b.Loop(); n++ {
		name := "bench" + strconv.Itoa(n)
		d := federate.Destination{
			Name: name, Source: nickname, Endpoint: url, KeyFrom: "env:KEY",
			Settings: federate.Settings{AllowHTTP: true, AllowPrivate: true},
		}
		if err := federate.Add(b.Context(), pool, d, "", false); err != nil {
			b.Fatal(err)
		}
		o := federate.Options{
			Once: true, Destinations: []string{name},
			Key: func(context.Context, string) (string, error) { return writeKey, nil },
		}
		f, err := federate.New(pool, o)
		if err != nil {
			b.Fatal(err)
		}
		before := looked(b, pool)
		start := time.Now()
		if err := f.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		took := time.Since(start)
		b.ReportMetric(float64(rows)/took.Seconds(), "events/s")
		var after int64
		eventuallyB(b, func() bool { after = looked(b, pool); return after-before >= int64(rows) })
		b.ReportMetric(float64(after-before)/float64(rows), "looked/row")
		b.ReportMetric(peakMiB(b), "peak-MiB")
		res, err := http.Get(url + "/kept")
		if err != nil {
			b.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(text) != fmt.Sprint(rows, " ", 0) {
			b.Fatalf("the sink has %s, want %d", text, rows)
		}
	}
}

func eventuallyB(b *testing.B, condition func() bool) {
	for limit := time.Now().Add(10 * time.Second); !condition() && time.Now().Before(limit); {
		time.Sleep(100 * time.Millisecond)
	}
}

// looked is how many rows of the table Postgres has looked at; its statistics come late.
func looked(b *testing.B, pool *pgxpool.Pool) int64 {
	return pgtest.Value[int64](b, pool, `select (coalesce(idx_tup_fetch, 0) + seq_tup_read)::bigint from pg_stat_user_tables
		where schemaname = '`+shop+`' and relname = 'order_placed'`)
}

// store makes the rows by SQL: what loading costs is not asked here.
func store(b *testing.B, pool *pgxpool.Pool, rows, loads int) {
	b.Helper()
	cfg := pool.Config().ConnConfig
	m, err := migrations.Open(b.Context(), cfg, shop, migrations.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	if err := m.Bootstrap(b.Context(), nickname); err != nil {
		b.Fatal(err)
	}
	columns, values := []string{}, []string{}
	for i := range 20 {
		kind := []string{"text", "bigint", "double precision", "boolean"}[i%4]
		columns = append(columns, fmt.Sprintf(`"property_%d" %s`, i, kind))
		values = append(values, []string{"'some text ' || n", "n * 1000", "n / 8.0", "n % 2 = 0"}[i%4])
	}
	pgtest.Exec(b, pool, `create table `+shop+`.order_placed (id text collate "C" primary key, received_at timestamptz,
		uuid_ts timestamptz, anonymous_id text, event text, event_text text, original_timestamp timestamptz, sent_at timestamptz,
		"timestamp" timestamptz, user_id text, `+strings.Join(columns, ", ")+`)`)
	pgtest.Exec(b, pool, `create index on `+shop+`.order_placed using brin (uuid_ts) with (autosummarize = on, pages_per_range = 16)`)
	pgtest.Exec(b, pool, `insert into `+shop+`.order_placed select 'message-' || lpad(n::text, 30, '0'), now(),
		'2026-01-01'::timestamptz + (n / $2::int) * interval '1 s', null, 'order_placed', 'Order Placed', now(), now(), now(), 'user ' || n % 1000, `+
		strings.Join(values, ", ")+` from generate_series(0, $1::int - 1) n`, rows, rows/loads)
	pgtest.Exec(b, pool, `insert into `+shop+`._loads (seq, uuid_ts, status, rows, finished_at)
		select l + 1, '2026-01-01'::timestamptz + l * interval '1 s', 'finished', $2::int, now() from generate_series(0, $1::int - 1) l`, loads, rows/loads)
	pgtest.Exec(b, pool, `vacuum analyze `+shop+`.order_placed`)
	pgtest.Exec(b, pool, `checkpoint`)
}

// peakMiB is the most memory that this process has had.
func peakMiB(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(value)[0])
			return float64(kib) / 1024
		}
	}
	return 0
}
