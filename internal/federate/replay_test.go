package federate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// A replay sends the rows of a time range again, with the ids that they had; the cursor stays where it is.
func TestReplay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var lines, want []string
	for i := range 48 {
		lines = append(lines, fmt.Sprintf(`{"type":"track","event":"E","messageId":"m%d","userId":"u","timestamp":%q}`,
			i, at("2026-01-01T00:00:00Z").Add(time.Duration(i)*time.Hour).Format(time.RFC3339)))
		if i >= 12 && i < 24 {
			want = append(want, federate.MessageID(nickname, "e", fmt.Sprintf("m%d", i)))
		}
	}
	s.load(lines[:20]...)
	s.load(lines[20:]...)
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	s.complete()
	before := pgtest.Query(t, s.pool, `select * from tapline.cursors`)
	again := newSink()
	pgtest.Exec(t, s.pool, `update tapline.destinations set endpoint = $1`, s.serve(again))
	o := options()
	o.From, o.To = at("2026-01-01T12:00:00Z"), at("2026-01-02T00:00:00Z")
	s.run(o)
	s.has(again, sorted(want))
	if after := pgtest.Query(t, s.pool, `select * from tapline.cursors`); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the cursor was %v and is %v", before, after)
	}
	if _, err := federate.New(s.pool, federate.Options{From: o.To, To: o.From}); err == nil {
		t.Error("a range that ends before it begins is taken")
	}
}

// A destination with a rate gets no more than that, and its cursor moves on the way.
func TestRate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 300)...)
	s.add("segment", s.url, federate.Settings{Rate: 200})
	start := time.Now()
	s.run(options())
	if took := time.Since(start); took < time.Second {
		t.Errorf("300 events at 200 a second took %s", took)
	}
	s.complete()
}

// A destination that is added from now on gets only what is loaded later.
func TestFromNow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 5)...)
	d := federate.Destination{
		Name: "segment", Source: nickname, Endpoint: s.url, KeyFrom: "env:KEY",
		Settings: federate.Settings{AllowHTTP: true, AllowPrivate: true},
	}
	if err := federate.Add(t.Context(), s.pool, d, "", true); err != nil {
		t.Fatal(err)
	}
	if err := federate.Add(t.Context(), s.pool, d, "", true); err == nil {
		t.Error("a second destination of the name is added")
	}
	s.load(tracks(5, 2)...)
	s.run(options())
	s.has(s.sink, []string{id(5), id(6)})
	if err := federate.Remove(t.Context(), s.pool, "segment"); err != nil {
		t.Fatal(err)
	}
	if n := pgtest.Value[int64](t, s.pool, `select count(*) from tapline.cursors`); n != 0 {
		t.Error("the cursor stays")
	}
}

// A column becomes wider and another comes between two pieces; a load is taken out again: what is sent is what is there.
func TestTablesChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(track(1, "E", `{"n":1}`))
	s.add("segment", s.url, federate.Settings{})
	o := options()
	s.run(o)
	o.Once = false
	s.load(track(2, "E", `{"n":1.5,"Other Name":"x"}`), track(3, "F", `{}`))
	s.load(track(4, "E", `{"n":2}`))
	pgtest.Exec(t, s.pool, `update `+shop+`._loads set status = 'undone' where seq = 3`)
	pgtest.Exec(t, s.pool, `delete from `+shop+`.e where id = $1`, id(4))
	s.run(options())
	s.complete()
	got := object(t, s.sink.Messages()[id(2)])["properties"]
	if want := `map[Other Name:x n:1.5]`; fmt.Sprint(got) != want {
		t.Errorf("properties %v, want %s", got, want)
	}
	if r := s.report("segment"); r.Seq != 3 || r.Pending != 0 {
		t.Errorf("status %+v", r)
	}
}

// Postgres goes away and comes back while events are sent.
func TestPostgresRestarts(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	s := newSiteAt(t, server.DSN("postgres"))
	s.load(tracks(0, 3000)...)
	s.add("segment", s.url, federate.Settings{})
	began := make(chan struct{}, 100)
	s.sink.Judge = func(r *sink.Request) *sink.Answer {
		began <- struct{}{}
		return &sink.Answer{Delay: 50 * time.Millisecond, Take: true}
	}
	o := options()
	o.PieceRows = 500
	f := s.federator(o)
	ended := make(chan error, 1)
	go func() { ended <- f.Run(t.Context()) }()
	<-began
	<-began
	if err := server.Stop(t.Context(), localpg.Immediate); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatalf("Run = %v", err)
	}
	s.complete()
	if r := s.report("segment"); r.Pending != 0 {
		t.Errorf("status %+v", r)
	}
}
