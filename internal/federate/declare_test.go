package federate_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
)

// A source that nothing was loaded into yet has nothing to send; what is loaded later is sent, under a new name too.
func TestSourceWithoutLoads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := migrations.Control(t.Context(), s.pool.Config().ConnConfig, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, s.pool, `insert into tapline.sources (nickname, schema_name) values ($1, $2)`, nickname, shop)
	d := federate.Destination{
		Name: "segment", Source: nickname, Endpoint: s.url, KeyFrom: "env:KEY", Settings: federate.Settings{AllowHTTP: true, AllowPrivate: true},
	}
	if err := federate.Add(t.Context(), s.pool, d, "", true); err != nil {
		t.Fatal(err)
	}
	s.run(options())
	if r := s.report("segment"); r.Pending != 0 {
		t.Errorf("status %+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- federate.Run(ctx, s.pool, options()) }()
	s.load(track(1, "E", `{}`), `{"type":"track","event":"E","messageId":"short","userId":"u"}`)
	s.arrived(2)
	s.renamed("shop_2")
	pgtest.Exec(t, s.pool, `insert into shop_2.e (id, user_id, uuid_ts) values ($1, 'u', '2026-05-05')`, id(2))
	pgtest.Exec(t, s.pool, `insert into shop_2._loads (seq, uuid_ts, status, rows) values (2, '2026-05-05', 'finished', 1)`)
	s.arrived(3)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
	// A replay under the new name sends the ids that were sent under the old one.
	o := options()
	o.From = at("2000-01-01T00:00:00Z")
	s.run(o)
	if kept, _, _ := s.sink.Counts(); kept != 3 {
		t.Errorf("%d messages after the replay, want 3", kept)
	}
}

// renamed gives the source another nickname and schema, as tapline source rename does.
func (s *site) renamed(schemaName string) {
	s.t.Helper()
	tx, err := s.pool.Begin(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(s.t.Context()))
	pgtest.Exec(s.t, tx, `alter schema `+shop+` rename to `+schemaName)
	pgtest.Exec(s.t, tx, `update tapline.sources set nickname = 'Shop 2', schema_name = $1`, schemaName)
	if err := tx.Commit(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// Destinations of a configuration file are made as it says, once, and changed when it changes.
func TestDeclare(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 3)...)
	declare := func(all ...federate.Declaration) federate.Declared {
		t.Helper()
		got, err := federate.Declare(t.Context(), s.pool, all)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	one := federate.Declaration{Destination: federate.Destination{
		Name: "segment", Source: nickname, Endpoint: s.url + "/", KeyFrom: "env:KEY",
		Settings: federate.Settings{AllowHTTP: true, AllowPrivate: true, Integrations: map[string]any{"All": false, "A": 1.0}},
	}}
	two := federate.Declaration{Destination: federate.Destination{Name: "two", Source: nickname, KeyFrom: "env:KEY"}, FromNow: true}
	want := func(got, want federate.Declared) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Declare (-want +got):\n%s", diff)
		}
	}
	want(declare(one, two), federate.Declared{Added: []string{"segment", "two"}})
	want(declare(one, two), federate.Declared{})
	if r := s.report("two"); r.Pending != 0 {
		t.Errorf("from now on: %d rows wait", r.Pending)
	}
	o := options()
	o.Destinations = []string{"segment"}
	s.run(o)
	s.complete()
	one.Settings.Rate = 5000
	want(declare(one), federate.Declared{Changed: []string{"segment"}, Dropped: []string{"two"}})
	if r := s.report("segment"); r.Delivered != 3 || r.Destination.Settings.Rate != 5000 || r.Destination.Settings.IDSource != nickname {
		t.Errorf("status %+v", r)
	}
	// All or none, and nothing that would send from another source's cursor.
	two.KeyFrom, one.Source = "env:OTHER", "Other"
	if _, err := federate.Declare(t.Context(), s.pool, []federate.Declaration{two, one}); err == nil || !strings.Contains(err.Error(), "is of source Web Shop") {
		t.Errorf("Declare with another source = %v", err)
	}
	if r := s.report("two"); r.Destination.KeyFrom != "env:KEY" {
		t.Errorf("status %+v", r)
	}
}
