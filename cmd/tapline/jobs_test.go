package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// plant is a server and a folder with a configuration file and events.
type plant struct {
	t    *testing.T
	dsn  string
	pool *pgxpool.Pool
	dir  string
}

func newPlant(t *testing.T, jobs string) *plant {
	t.Helper()
	server := pgtest.NewServer(t, nil)
	p := &plant{t: t, dsn: server.DSN(localpg.Database), dir: t.TempDir()}
	p.pool = pgtest.PoolAt(t, p.dsn)
	if err := os.Mkdir(filepath.Join(p.dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.write("tapline.yaml", "sources: {Web: {}}\njobs:\n"+jobs)
	return p
}

// write writes a file as an uploader does that knows that somebody watches: under another name first.
func (p *plant) write(name, content string) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	hidden := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(hidden, []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(hidden, path); err != nil {
		p.t.Fatal(err)
	}
}

// start starts the program. It is killed at the end of the test.
func (p *plant) start(args ...string) *process {
	p.t.Helper()
	out := start(p.t, "tapline", []string{"DATABASE_URL=" + p.dsn}, append(args, "--config", filepath.Join(p.dir, "tapline.yaml"))...)
	if err := out.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// run runs the program to its end.
func (p *plant) run(code int, args ...string) *process {
	p.t.Helper()
	out := p.start(args...)
	if got := out.wait(p.t); got != code {
		p.t.Fatalf("tapline %s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), got, code, out.stdout.String(), out.stderr.String())
	}
	return out
}

// stop asks a process to stop and wants that exit code.
func (p *plant) stop(process *process, code int) {
	p.t.Helper()
	if err := process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if got := process.wait(p.t); got != code {
		p.t.Errorf("exit code %d, want %d\n%s", got, code, process.stderr.String())
	}
}

type attempt struct {
	Job          string           `json:"job"`
	Run          string           `json:"run"`
	Attempt      int              `json:"attempt"`
	Cause        string           `json:"cause"`
	ScheduledFor string           `json:"scheduled_for"`
	Missed       int              `json:"missed"`
	Outcome      string           `json:"outcome"`
	Counts       map[string]int64 `json:"counts"`
	Process      int              `json:"process"`
}

// history is what people are shown, the oldest first.
func (p *plant) history(job string) []attempt {
	p.t.Helper()
	var all []attempt
	if err := json.Unmarshal([]byte(p.run(0, "jobs", "history", job, "--json", "--limit", "1000").stdout.String()), &all); err != nil {
		p.t.Fatal(err)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

func (p *plant) outcomes(job string) (out string) {
	p.t.Helper()
	for _, a := range p.history(job) {
		out += a.Cause + ":" + a.Outcome + " "
	}
	return strings.TrimSpace(out)
}

// count counts rows; 0 without the table.
func (p *plant) count(sql string) int64 {
	p.t.Helper()
	var n int64
	if p.pool.QueryRow(p.t.Context(), sql).Scan(&n) != nil {
		return 0
	}
	return n
}

// hold inserts an event and does not commit, so that a load of it waits, until the returned function is called.
func (p *plant) hold(id string) (let func()) {
	p.t.Helper()
	tx, err := p.pool.BeginTx(p.t.Context(), pgx.TxOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = tx.Rollback(p.t.Context()) }) // a pool waits for its connections
	pgtest.Exec(p.t, tx, "insert into web.purchase_made (id) values ($1)", id)
	return func() { _ = tx.Rollback(p.t.Context()) }
}

// waits is how many sessions wait for what hold has inserted.
const waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' " +
	"and query ilike '%copy %' and pid <> pg_backend_pid()"

// TestTwoDaemons runs two daemons on one database: each time the job is due one of them runs it.
func TestTwoDaemons(t *testing.T) {
	t.Parallel()
	p := newPlant(t, "  often: {kind: load, inputs: [in/], schedule: '@every 1s'}\n")
	p.write("in/a.ndjson", purchases(100))
	one, two := p.start("run"), p.start("run")
	until(t, "the job ran often", func() bool { return p.count("select count(*) from tapline.job_runs where outcome <> 'running'") >= 6 })
	p.stop(one, 0)
	p.stop(two, 0)
	seen := map[string]bool{}
	for _, a := range p.history("often") {
		if seen[a.ScheduledFor] && a.Attempt == 1 || a.Outcome != "done" && a.Outcome != "interrupted" {
			t.Errorf("attempt %+v", a)
		}
		seen[a.ScheduledFor] = true
	}
	if n := p.count("select count(*) from web.purchase_made"); n != 100 {
		t.Errorf("%d rows", n)
	}
}

// TestDaemonIsKilled kills a daemon while a job runs: that is seen at once, and the next daemon goes on; what was missed
// meanwhile is made up for once.
func TestDaemonIsKilled(t *testing.T) {
	t.Parallel()
	p := newPlant(t, "  yearly: {kind: load, inputs: [in/], schedule: '0 0 1 1 *'}\n  first: {kind: load, inputs: [first.ndjson]}\n")
	p.write("first.ndjson", strings.ReplaceAll(purchases(1), `"messageId":"p`, `"messageId":"q`))
	p.write("in/a.ndjson", purchases(1000))
	p.run(0, "run", "first", "--once")
	pgtest.Exec(t, p.pool, "insert into tapline.jobs (name, schedule, scheduled_for) values ('yearly', '0 0 1 1 * UTC', now() - interval '3 years')")
	let := p.hold("p500")
	killed := p.start("run")
	until(t, "the job copies", func() bool { return p.count(waits) > 0 })
	if got := p.outcomes("yearly"); got != "catch_up:running" {
		t.Errorf("while it runs: %s", got)
	}
	if err := killed.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed.wait(t)
	until(t, "the run is shown as lost", func() bool { return p.outcomes("yearly") == "catch_up:lost" })
	next := p.start("run")
	until(t, "the next daemon goes on", func() bool { return p.outcomes("yearly") == "catch_up:lost resume:running" })
	let()
	until(t, "it is done", func() bool { return p.outcomes("yearly") == "catch_up:lost resume:done" })
	p.stop(next, 0)
	h := p.history("yearly")
	if h[0].Missed < 2 || h[1].Run != h[0].Run || h[1].Attempt != 2 || h[1].Counts["loaded"] != 1000 || h[0].Process == h[1].Process {
		t.Errorf("history %+v", h)
	}
	if n := p.count("select count(*) from web.purchase_made where id like 'p%'"); n != 1000 {
		t.Errorf("%d rows", n)
	}
}

// TestJobIsInterrupted asks a run by hand to stop, and one whose lock is taken away ends by itself.
func TestJobIsInterrupted(t *testing.T) {
	t.Parallel()
	p := newPlant(t, "  first: {kind: load, inputs: [first.ndjson]}\n  files: {kind: load, inputs: [in/]}\n")
	p.write("first.ndjson", strings.ReplaceAll(purchases(1), `"messageId":"p`, `"messageId":"q`))
	p.write("in/a.ndjson", purchases(1000))
	p.run(0, "run", "first", "--once")
	let := p.hold("p500")
	for _, end := range []struct {
		outcome string
		by      func(*process)
	}{
		{"interrupted", func(r *process) { _ = r.cmd.Process.Signal(syscall.SIGTERM) }},
		{"lost", func(*process) {
			pgtest.Exec(t, p.pool, "select pg_terminate_backend(backend) from tapline.job_runs where outcome = 'running'")
		}},
	} {
		r := p.start("run", "files", "--once")
		until(t, "the job copies", func() bool { return p.count(waits) > 0 })
		end.by(r)
		if code := r.wait(t); code != 1 {
			t.Errorf("%s: exit code %d", end.outcome, code)
		}
		lines := strings.Split(strings.TrimSpace(r.stdout.String()), "\n")
		var last attempt
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Outcome != end.outcome {
			t.Errorf("last line %s (%v)", lines[len(lines)-1], err)
		}
		until(t, "nobody copies", func() bool { return p.count(waits) == 0 })
	}
	if got := p.outcomes("files"); got != "hand:interrupted hand:lost" {
		t.Errorf("history %s", got)
	}
	waiting := p.start("run", "files", "--once")
	until(t, "the job copies", func() bool { return p.count(waits) > 0 })
	skipped := p.run(0, "run", "files", "--once", "--if-running", "skip")
	if !strings.Contains(skipped.stdout.String(), "skipped: job files: another run is at work on ") {
		t.Errorf("got %s", skipped.stdout.String())
	}
	p.run(1, "run", "files", "--once", "--if-running", "fail")
	let()
	if code := waiting.wait(t); code != 0 {
		t.Errorf("exit code %d: %s", code, waiting.stderr.String())
	}
}

// TestDaemonWatches drops files into a folder that a daemon watches.
func TestDaemonWatches(t *testing.T) {
	t.Parallel()
	p := newPlant(t, "  drop: {kind: load, inputs: [in/], watch: 1s}\n")
	daemon := p.start("run")
	for n := range int64(2) {
		p.write("in/"+string(rune('a'+n))+".ndjson", strings.ReplaceAll(purchases(50), `"messageId":"p`, `"messageId":"`+string(rune('a'+n))))
		until(t, "the file is loaded", func() bool { return p.count("select count(*) from web.purchase_made") == 50*(n+1) })
		until(t, "it is noted", func() bool {
			h := p.history("drop")
			return len(h) == 1 && h[0].Counts["loaded"] == 50*(n+1)
		})
	}
	p.stop(daemon, 0)
	if got := p.outcomes("drop"); got != "always:interrupted" {
		t.Errorf("history %s", got)
	}
}
