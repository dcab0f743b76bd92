package roles_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/roles"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
)

// The loader's role forwards what it loads; it cannot add a destination, and analysts see none.
func TestLoaderForwards(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := migrations.Control(t.Context(), s.migrator.Config().ConnConfig, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	s.load(s.migrator, loader.Auto, track("m1", "Purchase", `{"n":1}`))
	s.run(roles.SQL(s.names, []string{shop})) // for the tables that are there now
	to := &sink.Sink{}
	server := httptest.NewServer(to)
	defer server.Close()
	d := federate.Destination{
		Name: "segment", Source: nickname, Endpoint: server.URL, KeyFrom: "env:KEY",
		Settings: federate.Settings{AllowHTTP: true, AllowPrivate: true},
	}
	if err := federate.Add(t.Context(), s.loader, d, "", false); err == nil {
		t.Error("the loader adds a destination")
	}
	if err := federate.Add(t.Context(), s.migrator, d, "", false); err != nil {
		t.Fatal(err)
	}
	key := func(context.Context, string) (string, error) { return "key", nil }
	f, err := federate.New(s.loader, federate.Options{Once: true, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Run(t.Context()); err != nil {
		t.Errorf("Run as the loader: %v", err)
	}
	if kept, _, _ := to.Counts(); kept != 1 {
		t.Errorf("%d messages arrived", kept)
	}
	// A replay forgets what was not taken before and arrives now.
	if _, err := s.migrator.Exec(t.Context(), `insert into tapline._undelivered values ('segment', $1, 'purchase', 'm1', 'rejected')`,
		federate.MessageID(nickname, "purchase", "m1")); err != nil {
		t.Fatal(err)
	}
	if f, err = federate.New(s.loader, federate.Options{From: time.Unix(0, 0), Key: key}); err != nil {
		t.Fatal(err)
	}
	if err := f.Run(t.Context()); err != nil {
		t.Errorf("a replay as the loader: %v", err)
	}
	if left, err := federate.ListUndelivered(t.Context(), s.loader, "segment", 1); err != nil || len(left) != 0 {
		t.Errorf("undelivered after a replay: %v, %v", left, err)
	}
	s.denied(s.loader, `update tapline.sources set kind = 'x'`, `insert into tapline.cursors (destination) values ('x')`)
	s.denied(s.analyst, `select * from tapline.destinations`, `select * from tapline._undelivered`)
	s.nothingFound()
}
