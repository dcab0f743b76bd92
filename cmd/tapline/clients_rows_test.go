package main

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
)

// clientEpoch is when the first call of a client happened, if it says when (see testdata/clients/calls.js).
var clientEpoch = time.Date(2026, 1, 15, 10, 0, 0, 7_000_000, time.UTC)

// clientTables are where the calls of a client go, by type.
var clientTables = map[string]string{
	"identify": "identifies", "track": "client_tracked", "page": "pages", "screen": "screens", "group": "groups", "alias": "aliases",
}

// wantRows waits until all n calls of each type are in their tables, and compares every row with what came over the wire.
// explicit tells which calls were given their time by the program that made them.
func wantRows(t *testing.T, pool *pgxpool.Pool, schemaName string, n int, w *wire, explicit func(i int) bool) {
	t.Helper()
	until(t, "everything is loaded", func() bool {
		return pgtest.Value[bool](t, pool, "select to_regclass('"+schemaName+"._loads') is not null") &&
			pgtest.Value[int64](t, pool, "select coalesce(sum(rows + quarantined), 0)::bigint from "+schemaName+"._loads") >= int64(len(clientTables)*n)
	})
	for _, lost := range pgtest.Query(t, pool, "select reason, detail, left(encode(raw, 'escape'), 300) from "+schemaName+"._quarantine limit 3") {
		t.Errorf("in quarantine: %v", lost)
	}
	for _, lost := range pgtest.Query(t, pool, "select table_name, column_name, raw_value, reason from "+schemaName+"._discards limit 3") {
		t.Errorf("in discards: %v", lost)
	}
	calls := w.noted()
	if len(calls) != len(clientTables)*n {
		t.Errorf("%d messageIds came over the wire, want %d", len(calls), len(clientTables)*n)
	}
	for _, call := range slices.Sorted(maps.Keys(clientTables)) {
		wantCalls(t, pool, schemaName, call, n, calls, explicit)
	}
	if got := pgtest.Value[int64](t, pool, "select count(*) from "+schemaName+".tracks"); got != int64(n) {
		t.Errorf("tracks has %d rows, want %d", got, n)
	}
	for table, most := range map[string]int64{"users": 50, "accounts": 20} {
		if got := pgtest.Value[int64](t, pool, "select count(*) from "+schemaName+"."+table); got != min(most, int64(n)) {
			t.Errorf("%s has %d rows, want %d", table, got, min(most, int64(n)))
		}
	}
}

// clientRow is what a row must say, with the text of all its times.
type clientRow struct{ User, Anonymous, Original, Sent, Timestamp, Library, Version string }

func wantCalls(t *testing.T, pool *pgxpool.Pool, schemaName, call string, n int, calls map[string]*wireCall, explicit func(i int) bool) {
	t.Helper()
	var seen []int
	wrong := 0
	for _, r := range pgtest.Query(t, pool, `select id, context_client_n, coalesce(user_id, ''), coalesce(anonymous_id, ''), received_at,
		original_timestamp, sent_at, "timestamp", context_library_name, context_library_version from `+schemaName+"."+clientTables[call]) {
		i := int(r[1].(int64))
		seen = append(seen, i)
		c := calls[r[0].(string)]
		if c == nil {
			t.Errorf("%s %d: nobody sent the id %s", call, i, r[0])
			continue
		}
		got := clientRow{r[2].(string), r[3].(string), when(r[5]), when(r[6]), when(r[7]), r[8].(string), r[9].(string)}
		want := wantedRow(t, c, r[4].(time.Time), r[6])
		if diff := cmp.Diff(want, got); diff != "" || c.Type != call || *c.Context.Client.N != i {
			if wrong++; wrong <= 3 {
				t.Errorf("%s %d, sent as %+v (-want +got):\n%s", call, i, c, diff)
			}
		}
		happened := want.Original
		if c.OriginalTimestamp != "" && c.Timestamp != "" {
			happened = want.Timestamp
		}
		if said := when(clientEpoch.Add(time.Duration(i) * time.Second)); explicit(i) && happened != said {
			t.Errorf("%s %d: happened at %s, want %s", call, i, happened, said)
		}
	}
	slices.Sort(seen)
	for i := range n {
		if i >= len(seen) || seen[i] != i {
			t.Errorf("%s: %d rows, and %d is missing or there twice", call, len(seen), i)
			return
		}
	}
	if len(seen) != n {
		t.Errorf("%s: %d rows, want %d", call, len(seen), n)
	}
}

// wantedRow is the row of a call: its time is corrected by the clock of the client, if that says when it sent the call.
func wantedRow(t *testing.T, c *wireCall, received time.Time, sentAt any) clientRow {
	t.Helper()
	row := clientRow{User: c.UserID, Anonymous: c.AnonymousID, Library: c.Context.Library.Name, Version: c.Context.Library.Version}
	original := at(t, c.OriginalTimestamp)
	if original == nil {
		original = at(t, c.Timestamp)
	}
	row.Original, row.Sent, row.Timestamp = when(*original), when(nil), when(*original)
	sent, ok := sentAt.(time.Time)
	for text := range c.sent { // one of those that it was sent with
		if s := at(t, text); ok && s != nil && s.Equal(sent) {
			row.Sent, row.Timestamp = when(sent), when(received.Add(-sent.Sub(*original)))
		} else if s != nil && row.Sent == when(nil) {
			row.Sent = when(*s)
		}
	}
	if c.OriginalTimestamp != "" && c.Timestamp != "" {
		row.Timestamp = when(*at(t, c.Timestamp))
	}
	return row
}

func when(v any) string {
	if at, ok := v.(time.Time); ok {
		return at.UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	return fmt.Sprint(v)
}
