package federate_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/pgtest"
)

// randomProperties has values of all types under names that need folding, some null, some nested. A key has one type in
// every event, so that each value is in its column.
func randomProperties(r *rand.Rand) map[string]any {
	out := map[string]any{}
	for i := range 12 {
		if r.IntN(3) == 0 {
			continue
		}
		key, nested := fmt.Sprintf("Key No %d", i), map[string]any{}
		var v any
		switch i % 6 {
		case 0:
			v = r.Int64N(1 << 60)
		case 1:
			v = float64(r.IntN(1000)) + 0.25
		case 2:
			v = r.IntN(2) == 0
		case 3:
			v = strings.Repeat("é\"<\\ ", r.IntN(5)) + "x"
		case 4:
			v = []any{json.Number(fmt.Sprint(r.IntN(9))), "a", map[string]any{"b": nil}}
		case 5:
			v = time.Unix(r.Int64N(2_000_000_000), 1000*r.Int64N(1_000_000)).UTC().Format(time.RFC3339Nano)
		}
		if i > 6 {
			nested["Inner "+key] = v
			v = nested
		}
		out[key] = v
	}
	if r.IntN(2) == 0 {
		out["none"] = nil
	}
	return out
}

// Thousands of events in loads of all sizes, through temporary files and parts: every message is the event that its row was,
// and the rows tell the same, by way of to_jsonb and the dictionary.
func TestMessagesEqualRows(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := rand.New(rand.NewPCG(4711, 1))
	sent := map[string]map[string]any{}
	n := 0
	for _, size := range []int{1, 700, 30, 2500, 5, 5, 5} {
		var lines []string
		for range size {
			n++
			event := map[string]any{
				"type": "track", "event": fmt.Sprintf("Event %d", r.IntN(3)), "messageId": id(n), "userId": fmt.Sprint("u", r.IntN(50)),
				"timestamp":  time.Unix(1_700_000_000+r.Int64N(1e6), 0).UTC().Format(time.RFC3339),
				"context":    map[string]any{"app": map[string]any{"version": "1"}, "Some Thing": "x"},
				"properties": randomProperties(r),
			}
			text, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(text))
			sent[id(n)] = object(t, text)
		}
		s.load(lines...)
	}
	s.add("segment", s.url, federate.Settings{})
	o := options()
	o.PieceRows = 300
	s.run(o)
	s.complete()
	messages := map[string]map[string]any{}
	for messageID, m := range s.sink.Messages() {
		messages[messageID] = object(t, m)
		want := sent[messageID]
		delete(want["properties"].(map[string]any), "none")
		if len(want["properties"].(map[string]any)) == 0 {
			delete(want, "properties")
		}
		if diff := cmp.Diff(want, messages[messageID]); diff != "" {
			t.Fatalf("message %s is not the event (-sent +got):\n%s", messageID, diff)
		}
	}
	for _, table := range s.tables() {
		s.rowsEqual(table, messages)
	}
}

// rowsEqual compares all values of a table with what is in the messages at the path that the dictionary has for them.
func (s *site) rowsEqual(table string, messages map[string]map[string]any) {
	s.t.Helper()
	rows := pgtest.Query(s.t, s.pool, `select t.id, c.column_name, c.path::text, c.type, pg_catalog.to_jsonb(t) ->> c.column_name
		from `+shop+`."`+table+`" t, `+shop+`._columns c where c.table_name = $1 and c.path is not null`, table)
	for _, row := range rows {
		var at any = messages[row[0].(string)]
		keys := []string{}
		if err := json.Unmarshal([]byte(row[2].(string)), &keys); err != nil {
			s.t.Fatal(err)
		}
		if !strings.HasPrefix(row[1].(string), "context_") {
			keys = append([]string{"properties"}, keys...)
		}
		for _, key := range keys {
			inner, _ := at.(map[string]any)
			at = inner[key]
		}
		if row[4] == nil && at == nil {
			continue
		}
		stored, _ := row[4].(string)
		got := fmt.Sprint(at)
		switch v := at.(type) {
		case []any:
			b, _ := json.Marshal(v)
			got = string(b)
		case string:
			if row[3] == "timestamptz" {
				got, stored = instantOf(s.t, v), instantOf(s.t, stored)
			}
		}
		if got != stored {
			s.t.Fatalf("row %v of %s has %q in %v, its message %q", row[0], table, stored, row[1], got)
		}
	}
}

func instantOf(t *testing.T, text string) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC().String()
}
