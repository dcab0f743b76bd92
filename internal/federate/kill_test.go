package federate_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/pgtest"
)

// buildProgram builds fedrun with or without the points at which it kills itself.
func buildProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fedrun")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "failpoint", "-o", path, "./fedrun").CombinedOutput()
	if err != nil {
		t.Fatalf("build fedrun: %v\n%s", err, out)
	}
	return path
}

// program is a fedrun that runs.
type program struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func (s *site) start(binary, point string) *program {
	s.t.Helper()
	p := &program{cmd: exec.CommandContext(s.t.Context(), binary, "-dsn", s.pool.Config().ConnString(), "-rows", "400")}
	p.cmd.Env = append(os.Environ(), "KEY="+writeKey, "TAPLINE_FAILPOINT="+point)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// killed waits for the end and reports whether it was by SIGKILL; any other than that or a success fails the test.
func (s *site) killed(p *program) bool {
	s.t.Helper()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return true
		}
	}
	if err != nil {
		s.t.Fatalf("fedrun: %v\n%s", err, p.out.String())
	}
	return false
}

// nothingSkipped says that everything up to the cursor is at the destination, or in _undelivered.
func (s *site) nothingSkipped() {
	s.t.Helper()
	got := s.sink.Messages()
	rows := pgtest.Query(s.t, s.pool, `select o.id from `+shop+`.order_placed o join `+shop+`._loads l using (uuid_ts), tapline.cursors c
		where (l.seq <= c.seq or l.seq = c.seq + 1 and o.id <= c.row_id)
		and not exists (select from tapline._undelivered u where u.message_id = o.id)`)
	for _, row := range rows {
		if got[row[0].(string)] == nil {
			s.t.Fatalf("the cursor is past %v, which did not arrive", row[0])
		}
	}
}

// A process is killed at each point, again and again at later ones, and the next goes on: nothing is missing, and what is
// sent again has the ids and the text that it had.
func TestKills(t *testing.T) {
	t.Parallel()
	binary := buildProgram(t)
	for _, point := range []string{
		"federate-read", "federate-answered", "federate-sent", "federate-before-commit", "federate-noted",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.sink.Judge = func(r *sink.Request) *sink.Answer {
				for _, m := range r.Messages {
					if m.ID == id(1234) {
						return &sink.Answer{Status: 400, Body: "no"}
					}
				}
				if r.Number%5 == 0 {
					return &sink.Answer{Status: 500, Take: true}
				}
				return nil
			}
			s.load(tracks(0, 100)...)
			s.load(tracks(100, 2500)...) // more than a piece: the cursor stands within it
			s.load(tracks(2600, 150)...)
			s.load(tracks(2750, 150)...)
			s.add("segment", s.url, federate.Settings{})
			kills := 0
			for n := 1; ; n++ {
				if !s.killed(s.start(binary, fmt.Sprintf("%s:%d", point, n))) {
					break
				}
				kills++
				s.nothingSkipped()
			}
			if kills < 2 {
				t.Errorf("it was killed %d times", kills)
			}
			var want []string
			for _, messageID := range s.want() {
				if messageID != id(1234) {
					want = append(want, messageID)
				}
			}
			s.has(s.sink, want)
			if r := s.report("segment"); r.Pending != 0 || r.Undelivered["rejected"] != 1 {
				t.Errorf("status %+v", r)
			}
		})
	}
}

// Asked to stop while its destination is down, a process ends at once, and its lease with it; so does a killed one's after
// a while. Nothing of what the client had is lost.
func TestStopInRetry(t *testing.T) {
	t.Parallel()
	binary := buildProgram(t)
	s := newSite(t)
	s.load(tracks(0, 1500)...)
	s.add("segment", s.url, federate.Settings{})
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		down := make(chan struct{}, 100)
		s.sink.Set(func(*sink.Request) *sink.Answer {
			select {
			case down <- struct{}{}:
			default:
			}
			return &sink.Answer{Status: 503}
		})
		p := s.start(binary, "")
		for range 10 {
			select {
			case <-down:
			case <-time.After(patience):
				t.Fatalf("it sends nothing\n%s", p.out.String())
			}
		}
		if err := p.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if killed := s.killed(p); killed != (signal == syscall.SIGKILL) {
			t.Errorf("it ended by SIGKILL: %v", killed)
		}
		if leased := pgtest.Value[bool](t, s.pool, `select lease_owner is not null from tapline.cursors`); leased != (signal == syscall.SIGKILL) {
			t.Errorf("after signal %v there is a lease: %v", signal, leased)
		}
		if kept, _, _ := s.sink.Counts(); kept > 0 || s.report("segment").Pending != 1500 {
			t.Error("the cursor moved")
		}
	}
	s.sink.Set(nil)
	s.run(options())
	s.complete()
}
