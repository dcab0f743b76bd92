package federate_test

import (
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/pgtest"
)

// A schema that was dropped and made again counts its loads from 1: a cursor that stands behind the newest would leave out the
// first of them without a word.
func TestSchemaMadeAnew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 3 {
		s.load(tracks(10*i, 2)...)
	}
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	pgtest.Exec(t, s.pool, `drop schema `+shop+` cascade`)
	s.run(options()) // nothing was loaded: nothing to send
	s.load(tracks(100, 2)...)
	err := s.federator(options()).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "3 loads are sent, and schema web_shop has 1") ||
		!strings.Contains(err.Error(), "tapline destination remove segment") {
		t.Fatalf("Run = %v", err)
	}
	if r := s.report("segment"); !strings.Contains(r.Destination.LastError, "made anew") {
		t.Errorf("status %+v", r)
	}
	if err := federate.Remove(t.Context(), s.pool, "segment"); err != nil {
		t.Fatal(err)
	}
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	got := s.sink.Messages()
	for _, want := range s.want() {
		if got[want] == nil {
			t.Errorf("row %s was never sent", want)
		}
	}
}
