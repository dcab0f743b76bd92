package gateway_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/tapline/tapline/internal/gateway"
)

// expected is what the contract says of one line.
type expected struct {
	Line    int    `json:"line"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
}

// Every line of the contract's cases, as a single call, in a batch and compressed: a line that is one JSON object is
// taken as it is, all others are refused with the reason that they have in a file.
func TestContractLines(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	for _, e := range contract(t) {
		line := string(e.line)
		d.expect(t, e, "/v1/track", line, line, e.Reason == "event_too_large")
		d.expect(t, e, "/v1/track", zip(t, line), line, e.Reason == "event_too_large")
		// A byte order mark may stand before a body, not within.
		within := `{"batch":[` + string(bytes.TrimPrefix(e.line, []byte("\xef\xbb\xbf"))) + `]}`
		if e.Outcome != "skip" { // nothing in a batch is an empty batch
			d.expect(t, e, "/v1/batch", within, within, false)
			d.expect(t, e, "/v1/batch", zip(t, within), within, false)
		}
	}
}

// expect sends a body; refused says that it is over a limit.
func (d *door) expect(t *testing.T, e contractLine, path, sent, body string, refused bool) {
	t.Helper()
	got := d.post(t, path, sent)
	taken := d.intake.taken()
	switch reason := e.Reason; {
	case e.Outcome == "skip", reason == "invalid_json", reason == "invalid_utf8", reason == "not_an_object", refused:
		if reason == "" {
			reason = "invalid_json"
		}
		if got.status != http.StatusBadRequest || got.code() != reason || len(taken) != 0 {
			t.Errorf("line %d at %s: got %+v, taken %d", e.Line, path, got, len(taken))
		}
	default:
		want := bytes.TrimSuffix(bytes.TrimPrefix([]byte(body), []byte("\xef\xbb\xbf")), []byte("\r"))
		if got.status != http.StatusOK || len(taken) != 1 || !bytes.Equal(taken[0].Body, want) {
			t.Errorf("line %d at %s: got %+v, taken %d", e.Line, path, got, len(taken))
		}
	}
}

// contractLine is one case.
type contractLine struct {
	expected
	line []byte
}

func contract(t *testing.T) []contractLine {
	t.Helper()
	events, err := os.ReadFile("../../testdata/contract/events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	outcomes, err := os.ReadFile("../../testdata/contract/events.expected.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(events, []byte("\n"))
	var all []contractLine
	for dec := json.NewDecoder(bytes.NewReader(outcomes)); dec.More(); {
		var e contractLine
		if err := dec.Decode(&e.expected); err != nil {
			t.Fatal(err)
		}
		e.line = lines[e.Line-1]
		all = append(all, e)
	}
	if len(all) < 200 {
		t.Fatalf("%d cases", len(all))
	}
	return all
}
