package decode_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

// contractCase is what the data contract's cases say about one line.
type contractCase struct {
	Line    int
	Case    string
	Outcome string
	Reason  schema.Reason
	Columns map[string]struct{ Value any }
}

func readContract(t *testing.T) ([][]byte, []contractCase) {
	t.Helper()
	dir := filepath.Join("..", "..", "testdata", "contract")
	events, err := os.ReadFile(filepath.Join(dir, "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	expected, err := os.ReadFile(filepath.Join(dir, "events.expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []contractCase
	for line := range bytes.Lines(expected) {
		var c contractCase
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	events = bytes.TrimPrefix(events, []byte("\ufeff")) // the reader's business
	return bytes.Split(events, []byte("\n")), cases
}

// The decoder's share of every case: the outcome, the ids, the instants and the values of the context.
func TestContractCases(t *testing.T) {
	t.Parallel()
	lines, cases := readContract(t)
	d := newDecoder(t, decode.Segment)
	for _, c := range cases {
		var ev schema.Event
		got := d.Line(lines[c.Line-1], &ev)
		if want := c.Outcome != "skip"; got != want {
			t.Errorf("line %d: decoded %t, want %t", c.Line, got, want)
		}
		if ev.Reason != c.Reason {
			t.Errorf("line %d (%s): reason %q (%s), want %q", c.Line, c.Case, ev.Reason, ev.Detail, c.Reason)
		}
		if c.Outcome == "load" {
			checkColumns(t, c, &ev)
		}
	}
}

func checkColumns(t *testing.T, c contractCase, ev *schema.Event) {
	t.Helper()
	got := map[string]any{}
	for name, text := range map[string][]byte{
		"id": ev.ID, "user_id": ev.UserID, "anonymous_id": ev.AnonymousID, "event_text": ev.Name,
		"group_id": ev.GroupID, "previous_id": ev.PreviousID,
	} {
		if text != nil {
			got[name] = string(text)
		}
	}
	for name, at := range map[string]schema.Micros{
		"timestamp": ev.Timestamp, "original_timestamp": ev.OriginalTimestamp, "sent_at": ev.SentAt,
	} {
		if at != schema.NoTime {
			got[name] = time.UnixMicro(int64(at)).UTC().Format("2006-01-02T15:04:05.000000Z")
		}
	}
	for _, l := range ev.Context {
		got[l.Path.Column] = string(l.Text)
	}
	for _, name := range []string{
		"id", "user_id", "anonymous_id", "event_text", "group_id", "previous_id", "timestamp", "original_timestamp",
		"sent_at", "context_ip", "context_library_name",
	} {
		want := c.Columns[name].Value
		if want == "<generated>" || want == "<received_at>" {
			continue
		}
		if got[name] != want {
			t.Errorf("line %d (%s): %s is %v, want %v", c.Line, c.Case, name, got[name], want)
		}
	}
}
