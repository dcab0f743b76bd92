package decode_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

func TestBatch(t *testing.T) {
	t.Parallel()
	line := `{"sentAt":"2026-01-15T11:00:00Z","writeKey":"s3cret","context":{"ip":"1.2.3.4","app":{"name":"A\u0041","version":"1"}},"batch":[` +
		`{"type":"track","messageId":"m1","event":"E","userId":"u","timestamp":"2026-01-15T10:00:00Z","receivedAt":"2026-01-15T12:00:00Z"},` +
		` {"type":"identify","messageId":"m2","userId":"u","traits":{"a":"\n"},"context":{"app":{"name":"own"},"x":null},"sentAt":"bad"} ,` +
		`5,{"type":"track","messageId":"m4","event":"E"},` +
		`{"type":"track","messageId":"m5","event":"E","userId":"u","batch":[1]},` +
		`{"type":"track","messageId":"m6","event":"E","userId":"u","x":"` + strings.Repeat("x", 33_000) + `"},` +
		`{"type":"track","messageId":"m7","event":"E","userId":"u","x":"` + "\xff" + `"},` +
		`{"type":"track","messageId":"m8","event":"E","userId":"u","x":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}` +
		`],"integrations":{}}`
	shared := []string{"context_ip=str:1.2.3.4", "context_app_name=str:AA", "context_app_version=str:1"}
	got := all(t, newDecoder(t, decode.Segment), []byte(line))
	none := []string{}
	want := []seen{
		{ID: "m1", Name: "E", User: "u", At: "2026-01-15T11:00:00Z", Properties: none, Context: shared, Discards: none},
		{
			ID: "m2", User: "u", Properties: []string{"a=str:\n"}, Discards: []string{`sent_at="bad" invalid_timestamp`},
			Context: []string{"context_app_name=str:own", "context_ip=str:1.2.3.4", "context_app_version=str:1"},
		},
		{Reason: schema.NotAnObject, Properties: none, Context: none, Discards: none},
		{Reason: schema.NoUserAnonID, ID: "m4", Properties: none, Context: none, Discards: none},
		{ID: "m5", Name: "E", User: "u", Properties: none, Context: shared, Discards: none},
		{Reason: schema.EventTooLarge, Properties: none, Context: none, Discards: none},
		{Reason: schema.InvalidUTF8, Properties: none, Context: none, Discards: none},
		{Reason: schema.NestingTooDeep, Properties: none, Context: none, Discards: none},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBatchBytes(t *testing.T) {
	t.Parallel()
	d := newDecoder(t, decode.Segment)
	var ev schema.Event
	if !d.Line([]byte(`{"batch": [ {"type":"track","event":"E","userId":"u"} , 7 ] }`), &ev) {
		t.Fatal("no record")
	}
	if got, want := string(ev.Raw), `{"type":"track","event":"E","userId":"u"}`; got != want {
		t.Errorf("bytes %s, want %s", got, want)
	}
	if !d.Next(&ev) || string(ev.Raw) != "7" || d.Next(&ev) || d.Next(&ev) {
		t.Error("want one more record and no other")
	}
}

func TestBadBatches(t *testing.T) {
	t.Parallel()
	event := `{"type":"track","event":"E","userId":"u"}`
	many := strings.TrimSuffix(strings.Repeat(event+",", 1000), ",")
	for _, c := range []struct {
		line    string
		records int
		want    schema.Reason
	}{
		{`{"batch":[]}`, 0, ""},
		{`{"batch":[` + many + `]}`, 1000, ""},
		{`{"batch":[` + many + `]`, 1, schema.EventTooLarge},
		{`{"batch":[` + event + `]`, 1, schema.InvalidJSON},
		{`{"batch":[` + event + `,]}`, 1, schema.InvalidJSON},
		{`{"batch":[` + event + `],"batch":[]}`, 1, schema.DuplicateKey},
		{`{"batch":[` + event + `],"context":7}`, 1, schema.InvalidContext},
		{`{"batch":[` + event + `],"context":{"a":"` + strings.Repeat("x", 40_000) + `"}}`, 1, schema.EventTooLarge},
		{`{"batch":[` + event + `],"x":"` + "\xff" + `"}`, 1, schema.InvalidUTF8},
		{`{"batch":[` + strings.Repeat(many+",", 13) + event + `]}`, 1, schema.EventTooLarge},
		{`{"x":[` + many + `]}`, 1, schema.EventTooLarge},
	} {
		got := all(t, newDecoder(t, decode.Segment), []byte(c.line))
		if len(got) != c.records {
			t.Errorf("%.60s: %d records, want %d", c.line, len(got), c.records)
		}
		if len(got) > 0 && got[0].Reason != c.want {
			t.Errorf("%.60s: reason %q, want %q", c.line, got[0].Reason, c.want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	line := `{"writeKey":"s3cret","type":"track","event":"E","userId":"u","x":"` + strings.Repeat("x", 40_000) + `"}`
	ev := one(t, newDecoder(t, decode.Segment), line)
	if ev.Reason != schema.EventTooLarge || ev.RawSize != int64(len(line)) || len(ev.Raw) > decode.KeptOfTooLarge || ev.RawHash == [32]byte{} {
		t.Errorf("reason %q, size %d, %d bytes kept", ev.Reason, ev.RawSize, len(ev.Raw))
	}
	if strings.Contains(string(ev.Raw), "s3cret") || !strings.HasPrefix(string(ev.Raw), `{"writeKey":"***","type"`) {
		t.Errorf("kept %.60s", ev.Raw)
	}
	for _, line := range []string{`{"writeKey":"s3cret","x":`, `{"writeKey":"s3cret"}`, `{"writeKey":"s3cret","type":"x"}`} {
		if ev := one(t, newDecoder(t, decode.Segment), line); ev.Reason == "" || strings.Contains(string(ev.Raw), "s3cret") {
			t.Errorf("%s: reason %q, kept %s", line, ev.Reason, ev.Raw)
		}
	}
}
