package federate_test

import (
	"testing"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/pgtest"
)

// Loads that were committed in the order in which they began are read as one stretch of their table, however many they are:
// the index is gone through once, not once for each of them.
func TestManyLoadsAreOneStretch(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 20 {
		s.load(tracks(2*i, 2)...)
	}
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	s.complete()
	scans := func() int64 {
		return pgtest.Value[int64](t, s.pool, `select idx_scan from pg_stat_user_indexes
			where schemaname = '`+shop+`' and indexrelname = '_brin_order_placed_uuid_ts'`)
	}
	eventually(t, "Postgres has counted what was read", func() bool { return scans() > 0 })
	if n := scans(); n > 3 {
		t.Errorf("the index was gone through %d times", n)
	}
}

// Loads that stand between others by their time, but were committed later, are sent, once: each row belongs to one load.
func TestLoadsOutOfOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 9 {
		s.load(tracks(10*i, 2)...)
	}
	// 1 4 7 2 5 8 3 6 9: as if the third loads had taken longest.
	pgtest.Exec(t, s.pool, `update `+shop+`._loads set seq = seq + 100`)
	pgtest.Exec(t, s.pool, `update `+shop+`._loads set seq = (seq - 101) % 3 * 3 + (seq - 101) / 3 + 1`)
	// Rows of a load that was pruned stand among them; nobody sends these.
	pgtest.Exec(t, s.pool, `delete from `+shop+`._loads where seq = 5`)
	s.add("segment", s.url, federate.Settings{})
	o := options()
	o.PieceRows = 6
	s.run(o)
	got := s.sink.Messages()
	for i := range 9 {
		if _, sent := got[id(10*i)]; sent != (i != 4) {
			t.Errorf("load %d: sent %v", i+1, sent)
		}
	}
	if _, repeated, _ := s.sink.Counts(); repeated > 0 {
		t.Errorf("%d messages were sent twice", repeated)
	}
}
