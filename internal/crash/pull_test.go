package crash_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/schema"
)

// pulling is an account that is pulled by processes that die.
type pulling struct {
	t      *testing.T
	binary string
	dsn    string
	server *clevertapfake.Server
	people *clevertapfake.Population
}

// TestPullKilled kills tapline pull at each point of a window's transaction and in the middle of its requests, while a third of
// the API's answers is bad. Pulled to its end, the tables hold the account exactly; pulled again, nothing is added.
func TestPullKilled(t *testing.T) {
	t.Parallel()
	p := &pulling{t: t, binary: buildPackage(t, sound, "../../cmd/tapline"), dsn: pgtest.DSN(t)}
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
	if p.people, err = clevertapfake.NewPopulation(clevertapfake.PopulationOptions{Events: 600, Seed: 9, From: from, To: from.AddDate(0, 0, 2)}); err != nil {
		t.Fatal(err)
	}
	if p.server, err = clevertapfake.New(clevertapfake.Options{Population: p.people, PageSize: 5, Fault: clevertapfake.EmptyPage}); err != nil {
		t.Fatal(err)
	}
	if err := p.server.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.server.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, point := range []string{"after-evolve:1", "after-claim:2", "in-copy:3", "before-commit:3", "after-commit:4"} {
		if code := p.run(point, 0).exit; code != -1 {
			t.Fatalf("at %s: exit code %d, want that it is killed", point, code)
		}
	}
	for _, pages := range []int64{1, 9, 30} {
		p.run("", pages)
	}
	pool := pgtest.PoolAt(t, p.dsn)
	last := p.run("", 0)
	if last.exit != 0 || last.Windows.Failed > 0 {
		t.Fatalf("the last pull: exit code %d\n%s", last.exit, last.log)
	}
	p.exact(pool)
	again := p.run("", 0, "--again")
	if again.exit != 0 || again.Counts.Loaded != 0 || again.Counts.Duplicates != p.people.Len() {
		t.Errorf("again: exit code %d, %+v, want %d duplicates\n%s", again.exit, again.Counts, p.people.Len(), again.log)
	}
	p.exact(pool)
}

// pullRun is what one process came to.
type pullRun struct {
	exit    int // -1 if it was killed
	log     string
	Counts  struct{ Loaded, Duplicates int64 }
	Windows struct{ Failed int }
}

// run runs a pull, to be killed at a failpoint or once the server has given that many further pages.
func (p *pulling) run(failpoint string, pages int64, args ...string) (out pullRun) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), p.binary, slices.Concat([]string{
		"pull", "--json", "--quiet", "--dsn", p.dsn, "--source", nickname, "--endpoint", p.server.URL(), "--account-id", clevertapfake.DefaultAccount,
		"--timezone", "Asia/Kolkata", "--from", "2026-01-01", "--to", "2026-01-02",
	}, args)...)
	cmd.Env = append(os.Environ(), "TAPLINE_FAILPOINT="+failpoint, "CLEVERTAP_PASSCODE="+clevertapfake.DefaultPasscode)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	until := p.server.Stats().Pages + pages
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // how it ended is in ProcessState
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		case <-tick.C:
			if pages > 0 && p.server.Stats().Pages >= until {
				_ = cmd.Process.Kill() // it may be at its end
			}
		}
	}
	out.exit, out.log = cmd.ProcessState.ExitCode(), stdout.String()+stderr.String()
	if out.exit == 0 {
		if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
			p.t.Fatalf("%v: %s", err, out.log)
		}
	}
	return out
}

// exact fails the test if the tables hold anything else than the account.
func (p *pulling) exact(pool *pgxpool.Pool) {
	p.t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for _, event := range p.people.Events() {
		table := schema.TableOf(&schema.Event{Call: schema.Track, Name: []byte(event)})
		for _, r := range p.people.Records(event, 0) {
			want[fmt.Sprint(table, " ", r.Serial)]++
		}
		rows, _ := pool.Query(p.t.Context(), "select serial, count(*) from "+pgx.Identifier{schemaName, table}.Sanitize()+" group by 1")
		var serial int64
		var n int
		if _, err := pgx.ForEachRow(rows, []any{&serial, &n}, func() error {
			got[fmt.Sprint(table, " ", serial)] = n
			return nil
		}); err != nil {
			p.t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.t.Errorf("rows by table and serial (-want +got):\n%s", diff)
	}
}
