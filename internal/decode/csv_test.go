package decode_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

func newCSV(t *testing.T, kind decode.Kind, header string) *decode.CSV {
	t.Helper()
	c, err := decode.NewCSV(kind, strings.Split(header, ","), options(kind))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// record decodes cells separated by |.
func record(c *decode.CSV, cells string) schema.Event {
	var ev schema.Event
	var list [][]byte
	for s := range strings.SplitSeq(cells, "|") {
		list = append(list, []byte(s))
	}
	c.Decode(list, []byte(strings.ReplaceAll(cells, "|", ",")), &ev)
	return ev
}

func TestSegmentCSV(t *testing.T) {
	t.Parallel()
	c := newCSV(t, decode.SegmentCSV, "messageId,event,userId,timestamp,prop:amount,prop:note,context.library.name,extra,writeKey")
	ev := record(c, "c-1|Csv Case|u1|2026-01-15T10:00:00Z|1.50|a\"b\n\t\\|go|007|s3cret")
	want := seen{
		ID: "c-1", Name: "Csv Case", User: "u1", At: "2026-01-15T10:00:00Z",
		Properties: []string{"amount=str:1.50", "note=str:a\"b\n\t\\", "extra=str:007"},
		Context:    []string{"context_library_name=str:go"}, Discards: []string{},
	}
	if diff := cmp.Diff(want, look(&ev)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := string(ev.Properties[1].Raw); got != `"a\"b\n\t\\"` {
		t.Errorf("literal %s", got)
	}
	if strings.Contains(string(ev.Raw), "s3cret") {
		t.Errorf("bytes %s keep the write key", ev.Raw)
	}
	for _, c2 := range []struct {
		cells string
		want  schema.Reason
	}{
		{"|Csv Case|u1||||||", ""},
		{"c|||||||||", schema.WrongFieldCount},
		{"c|", schema.WrongFieldCount},
		{"c||u1||||||", schema.MissingEvent},
		{"c|E|||||||", schema.NoUserAnonID},
		{"c|E|caf\xe9||||||", schema.InvalidUTF8},
		{"c|E|u\x00||||||", schema.NULCharacter},
		{strings.Repeat("c", 101) + "|E|u||||||", schema.MessageIDTooLong},
		{"c|E|u||" + strings.Repeat("x", 33_000) + "||||", schema.EventTooLarge},
	} {
		if ev := record(c, c2.cells); ev.Reason != c2.want {
			t.Errorf("%.40q: reason %q, want %q", c2.cells, ev.Reason, c2.want)
		}
	}
	ev = record(c, "c|E|u|yesterday|a\x00||||")
	if diff := cmp.Diff([]string{`original_timestamp="yesterday" invalid_timestamp`}, discards(ev.Discards)); diff != "" {
		t.Errorf("discards (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"amount=!nul_character"}, leaves(ev.Properties)); diff != "" || string(ev.Properties[0].Raw) != `"a\u0000"` {
		t.Errorf("leaves (-want +got):\n%s%s", diff, ev.Properties[0].Raw)
	}
}

func TestSegmentCSVType(t *testing.T) {
	t.Parallel()
	c := newCSV(t, decode.SegmentCSV, "type,event,anonymousId,groupId,name")
	if ev := record(c, "group||a|g|"); ev.Call != schema.Group || string(ev.GroupID) != "g" || !strings.HasPrefix(string(ev.ID), "ln_") {
		t.Errorf("call %d, group %q, id %q", ev.Call, ev.GroupID, ev.ID)
	}
	if ev := record(c, "|E|a||"); ev.Call != schema.Track {
		t.Errorf("call %d, want a track", ev.Call)
	}
	if ev := record(c, "x|E|a||"); ev.Reason != schema.UnknownType {
		t.Errorf("reason %q, want unknown_type", ev.Reason)
	}
}

// The same record as CSV and as JSON is one event.
func TestCleverTapCSV(t *testing.T) {
	t.Parallel()
	c := newCSV(t, decode.CleverTapCSV, "ts,eventName,profile.identity,profile.all_identities,profile.phone,deviceInfo.make,"+
		"deviceInfo.dimensions.width,controlGroupName,eventProps.CT App Version,eventProps.n,sessionProps.utm_source,profile.profileData.plan,platform")
	ev := record(c, "20260115100000|App Launched|u|[u, v]|49|acme|65||1.0|5|x|$D_1700000000|iOS")
	json := one(t, newDecoder(t, decode.CleverTap), `{"ts":20260115100000,"eventName":"App Launched","profile":{"identity":"u"},`+
		`"eventProps":{"CT App Version":"1.0","n":5},"session_props":{"utm_source":"x"}}`)
	want := seen{
		ID: string(json.ID), Name: "App Launched", User: "u", At: "2026-01-15T10:00:00Z",
		Properties: []string{"ct_app_version=str:1.0", "n=str:5", "utm_source=str:x"},
		Context: []string{
			"context_traits_identity=str:u", "context_traits_all_identities=str:[u, v]", "context_traits_phone=str:49",
			"context_device_manufacturer=str:acme", "context_screen_width=str:65",
			"context_traits_plan=at:2023-11-14T22:13:20Z", "context_os_name=str:iOS", "context_clevertap_ts=num:20260115100000",
		},
		Discards: []string{},
	}
	if diff := cmp.Diff(want, look(&ev)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if ev := record(c, "20260115100000|App Launched||[u, v]|49||||||||"); string(ev.UserID) != "u" {
		t.Errorf("user %q of all_identities, want u (%s)", ev.UserID, ev.Reason)
	}
}

func TestCSVHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind         decode.Kind
		header, want string
	}{
		{decode.SegmentCSV, "userId,name", "event"},
		{decode.SegmentCSV, "event,,x", "column 2"},
		{decode.SegmentCSV, "event,x,x", `"x" is there twice`},
		{decode.SegmentCSV, "event,x\xff", "UTF-8"},
		{decode.CleverTapCSV, "eventName,profile.identity", "ts"},
		{decode.CleverTapCSV, "ts,profile.identity", "eventName"},
	} {
		_, err := decode.NewCSV(c.kind, strings.Split(c.header, ","), options(c.kind))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.header, err, c.want)
		}
	}
}

func TestCSVRedact(t *testing.T) {
	t.Parallel()
	c := newCSV(t, decode.SegmentCSV, "event,writeKey,userId")
	for raw, want := range map[string]string{
		"E,s3cret,u":               "E,***,u",
		`"a,b","s3""cret,x",u`:     `"a,b",***,u`,
		"E,s3cret":                 "***,***", // its first field may be missing
		"E":                        "***",
		"E,s3cret,u,x,y":           "***,***,***,***,y",
		`"E,s3cret,u`:              "***",
		`E"x,s3cret,u`:             `E"x,***,u`,
		`E,"s3cret`:                "***,***",
		"E,s,{\"writeKey\":\"x\"}": `E,***,{"writeKey":"***"}`,
	} {
		if got := string(c.Redact([]byte(raw))); got != want {
			t.Errorf("%s is %s, want %s", raw, got, want)
		}
	}
	if got := string(c.RedactCut([]byte("E,s3c"))); got != "E,***" {
		t.Errorf("the beginning of a record is %s", got)
	}
}

// TestCSVKeysInCells: cells that hold JSON, and the record that is shown of them.
func TestCSVKeysInCells(t *testing.T) {
	t.Parallel()
	c := newCSV(t, decode.SegmentCSV, "event,userId,prop:x")
	ev := record(c, `E|u|{"writeKey":"s3cret","a":1}`)
	if got, want := string(ev.Properties[0].Text), `{"writeKey":"***","a":1}`; got != want {
		t.Errorf("cell %s, want %s", got, want)
	}
	if got, want := string(ev.Properties[0].Raw), `"{\"writeKey\":\"***\",\"a\":1}"`; got != want {
		t.Errorf("literal %s, want %s", got, want)
	}
	for raw, want := range map[string]string{
		`E,u,"{""writeKey"":""s3cret"",""a"":""b""}"`:             `E,u,"{""writeKey"":""***"",""a"":""b""}"`,
		`E,u,"{""writeKey"" : 5}"`:                                `E,u,"{""writeKey"" : ""***""}"`,
		`E,u,"{""writeKey"":"""",""a"":1}"`:                       `E,u,"{""writeKey"":""***"",""a"":1}"`,
		`E,u,"{""x"":""{\""writeKey\"":\""s3cret\""}"",""y"":1}"`: `E,u,"{""x"":""{\""writeKey\"":\""***\""}"",""y"":1}"`,
		`E,u,{"writeKey":"s3cret"}`:                               `E,u,{"writeKey":"***"}`,
		`E,u,writeKey=s3cret`:                                     `E,u,writeKey="***"`,
	} {
		if got := string(c.Redact([]byte(raw))); got != want {
			t.Errorf("%s is %s, want %s", raw, got, want)
		}
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, second string
		want          decode.Kind
	}{
		{`{"type":"track"}`, "", decode.Segment},
		{` {"x":{"eventName":1},"messageId":"a"}`, "", decode.Segment},
		{`{"batch":[{"type":`, "", decode.Segment},
		{`{"event":"E","userId":"u"}`, "", decode.Segment},
		{`{"event":"E"}`, "", 0},
		{`{"messageId":"a","properties":{"x":"` + strings.Repeat("x", 99), "", decode.Segment},
		{`{"ts":20260115100000,"profile":{}}`, "", decode.CleverTap},
		{`{"profile":{},"eventProps":{}}`, "", decode.CleverTap},
		{`{"status":"success","records":[`, "", decode.CleverTap},
		{`App Launched`, `{"ts":1,"profile":{}}`, decode.CleverTap},
		{`"App Launched"`, `{"ts":1,"event_props":{}}`, decode.CleverTap},
		{`App Launched`, `{"type":"track"}`, 0},
		{`messageId,event,userId,timestamp,prop:amount`, "", decode.SegmentCSV},
		{`"event","prop:x"`, "", decode.SegmentCSV},
		{`ts,eventName,profile.identity`, "", decode.CleverTapCSV},
		{`"ts","eventProps.x"`, "", decode.CleverTapCSV},
		{`a,b,c`, `1,2,3`, 0},
		{`[1]`, "", 0},
		{``, "", 0},
	} {
		got, err := decode.Detect([]byte(c.first), []byte(c.second))
		if got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("Detect(%.60s, %s) = %s, %v; want %s", c.first, c.second, got, err, c.want)
		}
	}
}
