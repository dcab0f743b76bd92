package door_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// Ten times the program is killed under load, at any moment and at each point of a load: whatever was answered 200 is in its
// table or in quarantine, once.
func TestKilled(t *testing.T) {
	t.Parallel()
	b := &bench{t: t, binary: build(t, sound), dsn: pgtest.DSN(t), dir: t.TempDir()}
	p := b.mustStart()
	s := startSenders(t, 8, p, b.key)
	points := []string{"after-fetch:3", "in-copy:2", "before-commit:2", "after-commit:2", "before-ack:5", "after-ack:2"}
	for round := range 10 {
		if round%2 == 0 {
			s.more(t, 10+rand.IntN(150))
			p.kill()
			p = b.start("TAPLINE_FAILPOINT=" + points[rand.IntN(len(points))])
		} else {
			if p.url != "" {
				s.sendTo(p)
			}
			<-p.done // it kills itself
			p = b.mustStart()
		}
		if p.url != "" {
			s.sendTo(p)
		}
	}
	s.more(t, 20)
	s.stop()
	mustBeComplete(t, b.dsn, s.ids())
	p.stop()
}

// Postgres goes away and comes back, and the program is killed in between, also while Postgres is away. Events are taken all
// the time.
func TestPostgresStopped(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	b := &bench{t: t, binary: build(t, sound), dsn: server.DSN("postgres"), dir: t.TempDir()}
	p := b.mustStart()
	s := startSenders(t, 4, p, b.key)
	for round := range 4 {
		s.more(t, 10+rand.IntN(50))
		if err := server.Stop(t.Context(), localpg.Immediate); err != nil {
			t.Fatal(err)
		}
		s.more(t, 50)
		if round%2 == 1 {
			p.kill()
			p = b.mustStart()
			s.sendTo(p)
			s.more(t, 50)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	mustBeComplete(t, b.dsn, s.ids())
	p.stop()
}

// Builds that are broken on purpose are killed likewise. The check must notice.
func TestBrokenBuildsAreNoticed(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Log("only the sound build in short mode")
		return
	}
	for _, tags := range []string{brokenAck, brokenAnswer} {
		t.Run(tags, func(t *testing.T) {
			t.Parallel()
			b := &bench{t: t, binary: build(t, tags), dsn: pgtest.DSN(t), dir: t.TempDir()}
			pool := pgtest.PoolAt(t, b.dsn)
			p := b.mustStart()
			s := startSenders(t, 8, p, b.key)
			for range 3 { // one is enough, nearly always
				s.more(t, 30)
				p.kill()
				p = b.start("TAPLINE_FAILPOINT=before-commit:2")
				if p.url != "" {
					s.sendTo(p)
				}
				<-p.done
				p = b.mustStart()
				s.sendTo(p)
			}
			s.stop()
			if err := within(t.Context(), 10*time.Second, func() error { return complete(t.Context(), pool, s.ids()) }); err == nil {
				t.Error("nothing is noticed")
			} else {
				t.Log(err)
			}
			p.stop()
		})
	}
}
