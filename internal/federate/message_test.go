package federate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/pgtest"
)

// What a destination gets of calls of all kinds: names as sent, objects, arrays, times, no nulls.
func TestMessages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(
		`{"type":"track","event":"Order Placed","messageId":"short","userId":"u1","anonymousId":"a1","timestamp":"2026-01-15T10:00:00.123456+05:30",`+
			`"originalTimestamp":"2026-01-15T04:30:00.123456Z","context":{"ip":"1.2.3.4","device":{"Model Name":"X"},"app":{"version":"2"}},`+
			`"properties":{"Total Amount":12.5,"whole":1.0,"big":9007199254740993,"huge":123456789012345678901234567890,"yes":false,"none":null,`+
			`"Items":[{"sku":"a","n":1.50},2],"like an array":"x","cart":{"Main Part":{"id":"c1"},"size":2},"at":"2026-02-03T04:05:06+01:00","text":"<&> é"}}`,
		`{"type":"track","event":"Order Placed","messageId":"`+id(2)+`","anonymousId":"a2","timestamp":"2026-01-15T10:00:00Z",`+
			`"properties":{"Items":"[not json","like an array":"[1,2]"}}`,
		`{"type":"identify","messageId":"`+id(3)+`","userId":"u1","timestamp":"2026-01-15T10:00:00Z","traits":{"First Name":"Ann"}}`,
		`{"type":"page","messageId":"`+id(4)+`","userId":"u1","name":"Home","category":"Docs","timestamp":"2026-01-15T10:00:00Z","properties":{"URL":"x"}}`,
		`{"type":"screen","messageId":"`+id(5)+`","anonymousId":"a1","name":"Main","timestamp":"2026-01-15T10:00:00Z"}`,
		`{"type":"group","messageId":"`+id(6)+`","userId":"u1","groupId":"g1","timestamp":"2026-01-15T10:00:00Z","traits":{"plan":"pro"}}`,
		`{"type":"alias","messageId":"`+id(7)+`","userId":"u1","previousId":"a1","timestamp":"2026-01-15T10:00:00Z"}`,
	)
	s.add("segment", s.url, federate.Settings{Integrations: map[string]any{"All": false, "Mixpanel": true}})
	s.run(options())
	s.complete()
	short := federate.MessageID(nickname, "order_placed", "short")
	rest := `"timestamp":"2026-01-15T10:00:00Z","integrations":{"All":false,"Mixpanel":true}`
	for messageID, want := range map[string]string{
		short: `{"type":"track","event":"Order Placed","messageId":"` + short + `","userId":"u1","anonymousId":"a1",` +
			`"timestamp":"2026-01-15T04:30:00.123456Z","context":{"ip":"1.2.3.4","device":{"Model Name":"X"},"app":{"version":"2"}},` +
			`"integrations":{"All":false,"Mixpanel":true},` +
			`"properties":{"Total Amount":12.5,"whole":1,"big":9007199254740993,"huge":123456789012345678901234567890,"yes":false,` +
			`"Items":[{"sku":"a","n":1.50},2],"like an array":"x","cart":{"Main Part":{"id":"c1"},"size":2},"at":"2026-02-03T03:05:06Z","text":"<&> é"}}`,
		id(2): `{"type":"track","event":"Order Placed","messageId":"` + id(2) + `","anonymousId":"a2",` + rest +
			`,"properties":{"Items":"[not json","like an array":"[1,2]"}}`,
		id(3): `{"type":"identify","messageId":"` + id(3) + `","userId":"u1",` + rest + `,"traits":{"First Name":"Ann"}}`,
		id(4): `{"type":"page","messageId":"` + id(4) + `","userId":"u1","name":"Home",` + rest + `,"properties":{"URL":"x","category":"Docs"}}`,
		id(5): `{"type":"screen","messageId":"` + id(5) + `","anonymousId":"a1","name":"Main",` + rest + `}`,
		id(6): `{"type":"group","messageId":"` + id(6) + `","userId":"u1","groupId":"g1",` + rest + `,"traits":{"plan":"pro"}}`,
		id(7): `{"type":"alias","messageId":"` + id(7) + `","userId":"u1","previousId":"a1",` + rest + `}`,
	} {
		got := s.sink.Messages()[messageID]
		if got == nil {
			t.Errorf("message %s did not arrive", messageID)
			continue
		}
		if diff := cmp.Diff(object(t, []byte(want)), object(t, got)); diff != "" {
			t.Errorf("message %s (-want +got):\n%s", messageID, diff)
		}
	}
	r := s.report("segment")
	if r.Delivered != 7 || r.Pending != 0 || r.LatencyP95 <= 0 || r.Destination.Status != federate.Active || len(r.Undelivered) > 0 {
		t.Errorf("status %+v", r)
	}
}

// An id is a messageId only if it is too long to be somebody else's as well.
func TestMessageID(t *testing.T) {
	t.Parallel()
	long := fmt.Sprintf("%032d", 7)
	if got := federate.MessageID("S", "t", long); got != long {
		t.Errorf("of a long id: %s", got)
	}
	if got := federate.MessageID("S", "t", "ééééééééééééééééééééééééééééééé"); len(got) != 36 {
		t.Errorf("31 characters are a messageId: %s", got)
	}
	seen := map[string]bool{}
	for _, key := range [][3]string{{"S", "t", "1"}, {"T", "t", "1"}, {"S", "u", "1"}, {"S", "t", "2"}, {"S", "t1", ""}} {
		got := federate.MessageID(key[0], key[1], key[2])
		if seen[got] || got != federate.MessageID(key[0], key[1], key[2]) {
			t.Errorf("id of %q is not its own, or not the same again: %s", key, got)
		}
		seen[got] = true
	}
}

// A key that has once a value and once an object, in whatever order its columns came, keeps both in a row that has both.
func TestValueBesideObject(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(track(1, "E", `{"a":{"b":1,"c":2}}`))
	s.load(`{"type":"track","event":"E","messageId":"` + id(2) + `","userId":"u","context":{"d":3,"d_e":4},"properties":{"a":5,"a_b":6,"a_c":7}}`)
	s.load(`{"type":"track","event":"E","messageId":"` + id(3) + `","userId":"u","context":{"d":{"e":8}},"properties":{"a":9}}`)
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	for messageID, want := range map[string][2]string{
		id(1): {`{}`, `{"a":{"b":1,"c":2}}`},
		id(2): {`{"d":3,"d_e":4}`, `{"a":5,"a_b":6,"a_c":7}`},
		id(3): {`{"d_e":8}`, `{"a":9}`},
	} {
		got := object(t, s.sink.Messages()[messageID])
		for i, part := range []string{"context", "properties"} {
			have, _ := got[part].(map[string]any)
			if have == nil {
				have = map[string]any{}
			}
			if diff := cmp.Diff(object(t, []byte(want[i])), have); diff != "" {
				t.Errorf("%s of %s (-want +got):\n%s", part, messageID, diff)
			}
		}
	}
}

// Names with what JSON alone can hold are no obstacle: U+0000, lone surrogates' replacement, quotes.
func TestOddNames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(track(1, "E", `{"a\u0000b":1,"\"quoted\"":2,"\u4e2d":3}`))
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	want := map[string]any{"a\x00b": json.Number("1"), `"quoted"`: json.Number("2"), "中": json.Number("3")}
	if diff := cmp.Diff(want, object(t, s.sink.Messages()[id(1)])["properties"]); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
}

// Tables that others have filled: times at the end of the world, ids above the API's limit.
func TestOddRows(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(tracks(0, 2)...)
	long := strings.Repeat("x", 101)
	pgtest.Exec(t, s.pool, `update `+shop+`.order_placed set "timestamp" = 'infinity', received_at = '2026-03-04T05:06:07Z' where id = $1`, id(0))
	pgtest.Exec(t, s.pool, `update `+shop+`.order_placed set id = $2, "timestamp" = '0001-01-01T00:00:00Z' where id = $1`, id(1), long)
	s.add("segment", s.url, federate.Settings{})
	s.run(options())
	s.complete()
	if got := object(t, s.sink.Messages()[id(0)])["timestamp"]; got != "2026-03-04T05:06:07Z" {
		t.Errorf("timestamp %v", got)
	}
	got := federate.MessageID(nickname, "order_placed", long)
	if len(got) != 36 || s.sink.Messages()[got] == nil {
		t.Fatalf("the long id is sent as %s", got)
	}
	if at := object(t, s.sink.Messages()[got])["timestamp"]; at != "0001-01-01T00:00:00Z" {
		t.Errorf("the beginning of time is sent as %v", at)
	}
}

// What the filters of a destination leave of a load.
func TestFilters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.load(
		track(1, "Order Placed", `{"a":1,"cart":{"total":2,"mail":"x@y"},"secret":"s","n":5}`),
		track(2, "App Launched", `{"a":1}`),
		track(3, "Page Left", `{"a":1}`),
		`{"type":"identify","messageId":"`+id(4)+`","userId":"u1","traits":{"a":1}}`,
		`{"type":"track","event":"Order Placed","messageId":"`+id(5)+`","userId":"u1","timestamp":"2025-01-01T00:00:00Z"}`,
	)
	for name, c := range map[string]struct {
		settings federate.Settings
		want     []string
	}{
		"allowed": {federate.Settings{Events: []string{"order_placed", "App Launched"}}, []string{id(1), id(2), id(5)}},
		"denied":  {federate.Settings{NotEvents: []string{"Order Placed", "identify"}}, []string{id(2), id(3)}},
		"since":   {federate.Settings{Since: at("2026-01-01T00:00:00Z"), NotEvents: []string{"identify"}}, []string{id(1), id(2), id(3)}},
	} {
		to := newSink()
		s.add(name, s.serve(to), c.settings)
		o := options()
		o.Destinations = []string{name}
		s.run(o)
		s.has(to, c.want)
	}
	for name, c := range map[string]struct {
		settings federate.Settings
		want     string
	}{
		"drop":     {federate.Settings{NotProperties: []string{"cart.mail", "secret"}}, `{"a":1,"cart":{"total":2},"n":5}`},
		"some":     {federate.Settings{Properties: []string{"cart", "n"}}, `{"cart":{"total":2,"mail":"x@y"},"n":5}`},
		"reworded": {federate.Settings{NotProperties: []string{"Cart.Mail", "SECRET"}}, `{"a":1,"cart":{"total":2},"n":5}`},
		"hashed": {
			federate.Settings{Properties: []string{"n", "cart.mail"}, Hashed: []string{"cart_mail", "n"}, HashKeyFrom: "env:HASH"},
			`{"cart":{"mail":"` + digest("of env:HASH", "x@y") + `"},"n":"` + digest("of env:HASH", "5") + `"}`,
		},
	} {
		to := newSink()
		s.add(name, s.serve(to), c.settings)
		o := options()
		o.Destinations = []string{name}
		s.run(o)
		got := object(t, to.Messages()[id(1)])["properties"]
		if diff := cmp.Diff(object(t, json.RawMessage(c.want)), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A sample holds all rows of some users, always of the same ones.
func TestSample(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var lines []string
	for i := range 400 {
		lines = append(lines, fmt.Sprintf(`{"type":"track","event":"E","messageId":%q,"userId":"user %d"}`, id(i), i%100))
	}
	s.load(lines...)
	first, second := newSink(), newSink()
	s.add("first", s.serve(first), federate.Settings{Sample: 0.3})
	s.add("second", s.serve(second), federate.Settings{Sample: 0.3})
	s.run(options())
	users := map[any]int{}
	for _, m := range first.Messages() {
		users[object(t, m)["userId"]]++
	}
	for user, n := range users {
		if n != 4 {
			t.Errorf("of %v %d rows are sent, want all 4", user, n)
		}
	}
	if n := len(users); n < 15 || n > 45 {
		t.Errorf("%d of 100 users are sampled, want about 30", n)
	}
	if diff := cmp.Diff(first.Messages(), second.Messages()); diff != "" {
		t.Errorf("another destination gets other users:\n%s", diff)
	}
	if r := s.report("first"); r.Delivered+r.Filtered != 400 || r.Delivered != int64(4*len(users)) {
		t.Errorf("delivered %d, filtered %d", r.Delivered, r.Filtered)
	}
}
