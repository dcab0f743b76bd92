package decode_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

func TestReasons(t *testing.T) {
	t.Parallel()
	const ids = `"type":"track","event":"E","userId":"u"`
	deep := func(n int) string {
		return `{` + ids + `,"properties":` + strings.Repeat(`{"a":`, n-1) + `1` + strings.Repeat(`}`, n-1) + `}`
	}
	for _, c := range []struct {
		line string
		want schema.Reason
	}{
		{`{` + ids + `}`, ""},
		{" \t{" + ids + "}\r \n", ""},
		{deep(64), ""},
		{deep(65), schema.NestingTooDeep},
		{deep(65) + `x`, schema.NestingTooDeep},
		{`{` + ids + `,"x":` + strings.Repeat(`[`, 63) + strings.Repeat(`]`, 63) + `}`, ""},
		{`{` + ids + `,"x":` + strings.Repeat(`[`, 64) + strings.Repeat(`]`, 64) + `}`, schema.NestingTooDeep},
		{`{` + ids + `,"properties":{"x":` + strings.Repeat(`[`, 62) + strings.Repeat(`]`, 62) + `}}`, ""},
		{`{` + ids + `,"properties":{"x":` + strings.Repeat(`[`, 63) + strings.Repeat(`]`, 63) + `}}`, schema.NestingTooDeep},
		{`{"x":"` + strings.Repeat(`[`, 100) + `",` + ids + `}`, ""},

		{`{` + ids + `,"x":01}`, schema.InvalidJSON},
		{`{` + ids + `,"x":1.}`, schema.InvalidJSON},
		{`{` + ids + `,"x":.5}`, schema.InvalidJSON},
		{`{` + ids + `,"x":+1}`, schema.InvalidJSON},
		{`{` + ids + `,"x":-}`, schema.InvalidJSON},
		{`{` + ids + `,"x":1e}`, schema.InvalidJSON},
		{`{` + ids + `,"x":truex}`, schema.InvalidJSON},
		{`{` + ids + `,"x":nul}`, schema.InvalidJSON},
		{`{` + ids + `,"x":"` + "\t" + `"}`, schema.InvalidJSON},
		{`{` + ids + `,"x":"\x"}`, schema.InvalidJSON},
		{`{` + ids + `,"x":"\u12g4"}`, schema.InvalidJSON},
		{`{` + ids + `,"x":'a'}`, schema.InvalidJSON},
		{`{` + ids + `,}`, schema.InvalidJSON},
		{`{` + ids + `,"x":[1,]}`, schema.InvalidJSON},
		{`{` + ids + `,"x":[1}}`, schema.InvalidJSON},
		{`{` + ids + `,"x" 1}`, schema.InvalidJSON},
		{`{` + ids + `,"x":}`, schema.InvalidJSON},
		{`{` + ids + `,x:1}`, schema.InvalidJSON},
		{`{` + ids + `} {}`, schema.InvalidJSON},
		{`{` + ids + "}\x00", schema.InvalidJSON},
		{"\ufeff{" + ids + "}", schema.InvalidJSON},
		{"\x00\x00\x00", schema.InvalidJSON},
		{`{`, schema.InvalidJSON},
		{`/**/{}`, schema.InvalidJSON},
		{"{" + ids + ",\"x\":\"caf\xe9\"}", schema.InvalidUTF8},
		{"\xff", schema.InvalidUTF8},
		{`[]`, schema.NotAnObject},
		{`"track"`, schema.NotAnObject},
		{`1`, schema.NotAnObject},
		{`null`, schema.NotAnObject},

		{`{` + ids + `,"type":"track"}`, schema.DuplicateKey},
		{`{` + ids + `,"ty\u0070e":"x"}`, schema.DuplicateKey},
		{`{` + ids + `,"x":1,"x":2}`, schema.DuplicateKey},
		{`{` + ids + `,"x":1,"x":2`, schema.InvalidJSON},
		{`{` + ids + `,"x":1,"X":2,"Type":3}`, ""},

		{`{}`, schema.MissingType},
		{`{"type":null}`, schema.MissingType},
		{`{"type":""}`, schema.UnknownType},
		{`{"type":"Track"}`, schema.UnknownType},
		{`{"type":5,"messageId":{}}`, schema.UnknownType},
		{`{"type":"track","messageId":{},"userId":{}}`, schema.InvalidMessageID},
		{`{"type":"track","messageId":1.5}`, schema.InvalidMessageID},
		{`{"type":"track","messageId":"a\u0000"}`, schema.InvalidMessageID},
		{`{"type":"track","messageId":"\udc00"}`, schema.InvalidUnicode},
		{`{` + ids + `,"messageId":"` + strings.Repeat("é", 100) + `"}`, ""},
		{`{` + ids + `,"messageId":"` + strings.Repeat("é", 101) + `"}`, schema.MessageIDTooLong},
		{`{` + ids + `,"messageId":"","anonymousId":17}`, ""},
		{`{"type":"track","userId":1e3}`, schema.InvalidUserID},
		{`{"type":"track","anonymousId":false}`, schema.InvalidAnonymousID},
		{`{"type":"track","anonymousId":false,"userId":false}`, schema.InvalidUserID},
		{`{"type":"track","event":5}`, schema.NoUserAnonID},
		{`{"type":"alias","previousId":"a"}`, schema.NoUserAnonID},
		{`{"type":"group","userId":"u"}`, ""},
		{`{"type":"track","userId":"u","event":" \t ","properties":1}`, schema.MissingEvent},
		{`{"type":"track","userId":"u","event":"E","properties":1,"context":1}`, schema.InvalidProperties},
		{`{"type":"track","userId":"u","event":"E","properties":"x"}`, schema.InvalidProperties},
		{`{"type":"track","userId":"u","event":"E","properties":null,"context":null}`, ""},
		{`{"type":"track","userId":"u","event":"E","context":[]}`, schema.InvalidContext},
		{`{"type":"identify","userId":"u","traits":[]}`, schema.InvalidProperties},
		{`{"type":"track","userId":"u","event":"E","traits":[]}`, ""},
		{`{` + ids + `,"batch":5}`, ""},
		{`{` + ids + `,"x":"` + strings.Repeat("x", 40_000) + `"}`, schema.EventTooLarge},
		{strings.Repeat("x", 40_000), schema.EventTooLarge},
	} {
		ev := one(t, newDecoder(t, decode.Segment), c.line)
		if ev.Reason != c.want {
			t.Errorf("%.120s: reason %q (%s), want %q", c.line, ev.Reason, ev.Detail, c.want)
		}
		if c.want != "" && (len(ev.Properties) > 0 || len(ev.Context) > 0 || len(ev.Discards) > 0) {
			t.Errorf("%.120s: a quarantined event has values", c.line)
		}
	}
}

func TestLeaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		properties     string
		want, discards []string
	}{
		{`{}`, []string{}, []string{}},
		{`{"a":null,"b":{},"c":[],"d":{"e":null}}`, []string{"c=arr:[]"}, []string{}},
		{`{"a":{"b":{"c":1.50}},"d":true}`, []string{"a_b_c=num:1.50", "d=bool:true"}, []string{}},
		{`{"a":"x\"\\\/\b\f\n\r\té😀"}`, []string{"a=str:x\"\\/\b\f\n\r\té😀"}, []string{}},
		{
			`{"a":"\ud83d\ude00","b":"\ud83d","c":"x\u0000","d":"\ud83dx\u0000"}`,
			[]string{"a=str:😀", "b=!invalid_unicode", "c=!nul_character", "d=!invalid_unicode"},
			[]string{},
		},
		{`{"a" : [ 1 , "\u0000" ] }`, []string{`a=arr:[ 1 , "\u0000" ]`}, []string{}},

		// Repeated keys: the last wins, another value is lost, an object as a whole, a null is nothing.
		{`{"a":1,"a":2}`, []string{"a=num:2"}, []string{"a=1 duplicate_key"}},
		{`{"a":1,"\u0061":2}`, []string{"a=num:2"}, []string{"a=1 duplicate_key"}},
		{`{"a":2,"a":1,"a":2}`, []string{"a=num:2"}, []string{"a=1 duplicate_key"}},
		{`{"a":null,"a":2}`, []string{"a=num:2"}, []string{}},
		{`{"a":2,"a":null}`, []string{}, []string{"a=2 duplicate_key"}},
		{`{"b":{"x":1,"y":2},"b":{"x":3}}`, []string{"b_x=num:3"}, []string{`b={"x":1,"y":2} duplicate_key`}},
		{`{"b":{"x":1,"x":2}}`, []string{"b_x=num:2"}, []string{"b_x=1 duplicate_key"}},
		{`{"x":{"a":1},"y":{"a":1},"a":1}`, []string{"x_a=num:1", "y_a=num:1", "a=num:1"}, []string{}},

		// Write keys are secret wherever they stand.
		{`{"writeKey":"s3cret"}`, []string{"write_key=str:***"}, []string{}},
		{`{"a":{"write\u004bey":{"x":"s3cret"}}}`, []string{"a_write_key=str:***"}, []string{}},
		{`{"a":[{"writeKey":"s3cret"}]}`, []string{`a=arr:[{"writeKey":"***"}]`}, []string{}},
		{`{"writeKey":"s3cret","writeKey":"t"}`, []string{"write_key=str:***"}, []string{`write_key="***" duplicate_key`}},
		{`{"a":{"writeKey":"s3cret"},"a":1}`, []string{"a=num:1"}, []string{`a={"writeKey":"***"} duplicate_key`}},
	} {
		ev := one(t, newDecoder(t, decode.Segment), `{"type":"track","event":"E","userId":"u","properties":`+c.properties+`}`)
		if ev.Reason != "" {
			t.Errorf("%s: reason %q", c.properties, ev.Reason)
		}
		if diff := cmp.Diff(c.want, leaves(ev.Properties)); diff != "" {
			t.Errorf("%s: leaves differ (-want +got):\n%s", c.properties, diff)
		}
		if diff := cmp.Diff(c.discards, discards(ev.Discards)); diff != "" {
			t.Errorf("%s: discards differ (-want +got):\n%s", c.properties, diff)
		}
	}
}

// Beyond the limit of interned paths every record takes the slow pass, with the same outcome.
func TestTooManyPaths(t *testing.T) {
	t.Parallel()
	opt := options(decode.Segment)
	opt.Paths = schema.NewPaths(3)
	d := newWith(t, opt)
	for range 2 {
		ev := one(t, d, `{"type":"track","event":"E","userId":"u","properties":{"a":1,"b":2,"c":{"d":3},"b":4}}`)
		if diff := cmp.Diff([]string{"a=num:1", "c_d=num:3", "b=num:4"}, leaves(ev.Properties)); diff != "" {
			t.Errorf("leaves differ (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"b=2 duplicate_key"}, discards(ev.Discards)); diff != "" {
			t.Errorf("discards differ (-want +got):\n%s", diff)
		}
	}
}

// Two decoders after each other use the same paths: the marks of one must not look like repeated keys to the other.
func TestSharedPaths(t *testing.T) {
	t.Parallel()
	opt := options(decode.Segment)
	for range 2 {
		ev := one(t, newWith(t, opt), `{"type":"track","event":"E","userId":"u","properties":{"a":1,"b":{"a":2}},"context":{"a":1}}`)
		if got := discards(ev.Discards); ev.Reason != "" || len(got) > 0 {
			t.Errorf("reason %q, discards %v, want none", ev.Reason, got)
		}
	}
}

func TestOtherCalls(t *testing.T) {
	t.Parallel()
	d := newDecoder(t, decode.Segment)
	ev := one(t, d, `{"properties":{"p":1},"traits":{"t":2},"type":"identify","userId":"u"}`)
	if diff := cmp.Diff([]string{"t=num:2", "p=num:1"}, leaves(ev.Properties)); diff != "" {
		t.Errorf("identify (-want +got):\n%s", diff)
	}
	ev = one(t, d, `{"properties":{"p":1},"traits":{"t":2,"t":3},"type":"track","event":"E","userId":"u"}`)
	if got := leaves(ev.Properties); !cmp.Equal(got, []string{"p=num:1"}) || len(ev.Discards) > 0 {
		t.Errorf("track: %v, %v", got, discards(ev.Discards))
	}
	ev = one(t, d, `{"type":"page","userId":"u","name":"Home","category":7,"groupId":"g","event":"x"}`)
	if string(ev.PageName) != "Home" || string(ev.Category) != "7" || ev.GroupID != nil || ev.Name != nil {
		t.Errorf("page: %q %q %q %q", ev.PageName, ev.Category, ev.GroupID, ev.Name)
	}
	ev = one(t, d, `{"type":"group","userId":"u","groupId":{"a":1}}`)
	if diff := cmp.Diff([]string{`group_id={"a":1} type_mismatch`}, discards(ev.Discards)); diff != "" || ev.GroupID != nil {
		t.Errorf("group (-want +got):\n%s", diff)
	}
	ev = one(t, d, `{"type":"alias","userId":"u","previousId":12}`)
	if string(ev.PreviousID) != "12" {
		t.Errorf("alias: previous id %q, want 12", ev.PreviousID)
	}
}

func TestMadeIDs(t *testing.T) {
	t.Parallel()
	lines := []string{
		`{"type":"track","event":"E","userId":"u"}`, `{"type":"track","event":"E","userId":"u"}`,
		`{"type":"track","event":"E","userId":"v"}`,
	}
	run := func() (ids []string) {
		d := newDecoder(t, decode.Segment)
		for _, line := range lines {
			ev := one(t, d, line)
			ids = append(ids, string(ev.ID))
		}
		return ids
	}
	ids := run()
	if len(ids[0]) != 35 || ids[0][:3] != "ln_" || ids[0] == ids[1] || ids[0] == ids[2] {
		t.Errorf("ids %v: want three different ones", ids)
	}
	if diff := cmp.Diff(ids, run()); diff != "" {
		t.Errorf("a replay gives other ids (-first +second):\n%s", diff)
	}
}
