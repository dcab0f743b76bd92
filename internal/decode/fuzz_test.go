package decode_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

// The scanner against jsontext: both accept the same bytes, and find the same values in them.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, `{"a":{"b":[1,2,{"c":null}]},"d":"\u00e9\ud83d\ude00"}`, `{"a":01}`, `{"a":-0.0e-1}`, `{"a":"\ud800"}`,
		`{"a":1,"a":2,"b":{"x":1,"x":{"y":2}}}`, `{"":{"":""}}`, "{\"a\":\"\x7f\xc3\xa9\"}", `{"a":tru}`, `{"a":1}}`, `[1]`, `null`,
		"{ \"a\"\t:\n1 , \"b\" : [ ] }", `{"a":"12345678\n12345678"}`, `{"a":1},"type":"x"`, `{"a":1E+2,"b":false}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		line := fmt.Appendf(nil, `{"type":"track","event":"E","userId":"u","properties":%s}`, data)
		if len(line) > 4096 || bytes.Count(data, []byte("[")) > 50 || bytes.Count(data, []byte("{")) > 50 {
			return // no limits here but JSON's
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		var ev schema.Event
		if !newDecoder(t, decode.Segment).Line(line, &ev) && !bytes.Contains(line, []byte("batch")) {
			t.Fatal("no record")
		}
		valid := isJSON(line)
		refused := ev.Reason == schema.InvalidJSON || ev.Reason == schema.InvalidUTF8
		if valid == refused {
			t.Fatalf("reason %q, but jsontext says valid is %t", ev.Reason, valid)
		}
		if ev.Reason != "" || !isJSON(data) || data[len(data)-1] == ',' {
			return
		}
		dec := newJSON(data)
		var want []string
		if dec.PeekKind() == '{' {
			want = flatten(dec, "")
		}
		got := []string{}
		for _, l := range ev.Properties {
			text := string(l.Text)
			if l.Bad != "" {
				text = string(l.Bad)
			}
			got = append(got, fmt.Sprintf("%s=%d:%s", strings.Join(append([]string{""}, l.Path.Keys()...), "/"), l.Kind, text))
		}
		if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
			t.Errorf("values differ (-jsontext +decode):\n%s", diff)
		}
	})
}

func newJSON(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

func isJSON(data []byte) bool {
	dec := newJSON(data)
	if _, err := dec.ReadValue(); err != nil {
		return false
	}
	_, err := dec.ReadToken()
	return errors.Is(err, io.EOF) && utf8.Valid(data)
}

// flatten is the slow and obvious way: the last of repeated keys wins, nulls are nothing.
func flatten(dec *jsontext.Decoder, path string) []string {
	type member struct {
		key string
		raw []byte
	}
	var members []member
	last := map[string]int{}
	_, _ = dec.ReadToken()
	for dec.PeekKind() != '}' {
		key, _ := dec.ReadToken()
		name := key.String()
		raw, _ := dec.ReadValue()
		last[name] = len(members)
		members = append(members, member{name, bytes.Clone(raw)})
	}
	var out []string
	for i, m := range members {
		at := path + "/" + m.key
		switch c := m.raw[0]; {
		case last[m.key] != i || c == 'n':
		case m.key == "writeKey":
			out = append(out, fmt.Sprintf("%s=%d:***", at, schema.String))
		case c == '{':
			out = append(out, flatten(newJSON(m.raw), at)...)
		case c == '[':
			out = append(out, fmt.Sprintf("%s=%d:%s", at, schema.Array, decode.Redact(m.raw)))
		case c == '"':
			tok, _ := newJSON(m.raw).ReadToken()
			out = append(out, fmt.Sprintf("%s=%d:%s", at, schema.String, storable(m.raw, string(decode.Redact([]byte(tok.String()))))))
		case c == 't' || c == 'f':
			out = append(out, fmt.Sprintf("%s=%d:%s", at, schema.Bool, m.raw))
		default:
			out = append(out, fmt.Sprintf("%s=%d:%s", at, schema.Number, m.raw))
		}
	}
	return out
}

// storable returns text, or the reason why Postgres cannot store it: jsontext turns half a surrogate pair into U+FFFD.
func storable(raw []byte, text string) string {
	nul := strings.IndexByte(text, 0)
	half := -1
	strict := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := strict.ReadToken(); err != nil {
		half = strings.IndexRune(text, utf8.RuneError)
	}
	switch {
	case nul >= 0 && (half < 0 || nul < half):
		return string(schema.NULCharacter)
	case half >= 0 && nul >= 0 && strings.Contains(string(raw), "\ufffd"):
		return string(schema.InvalidUnicode)
	case half >= 0:
		return string(schema.InvalidUnicode)
	}
	return text
}

// Nothing makes the decoders panic, loop, or let an event through without its ids.
func FuzzLine(f *testing.F) {
	for _, s := range []string{
		`{"type":"track","userId":1,"event":"x"}`,
		`{"batch":[{"type":"track","userId":1,"event":"x"},5],"context":{"a":1},"sentAt":"2026-01-01"}`,
		`{"status":"success","records":[{"ts":20260115100000,"profile":{"objectId":"a","profileData":{"x":"$D_1700000000"}},"event_props":{}}]}`,
		`{"ts":"0","eventName":"App Launched","profile":{"all_identities":["a",1]},"eventProps":{"Clevertap ID":"x","n":1e3}}`,
		`App Launched`, `"App Launched"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, kind := range []decode.Kind{decode.Segment, decode.CleverTap} {
			d := newDecoder(t, kind)
			for range 2 {
				var ev schema.Event
				n := 0
				for ok := d.Line(data, &ev); ok; ok = d.Next(&ev) {
					if n++; n > len(data) {
						t.Fatal("more records than bytes")
					}
					if ev.Reason == "" && (ev.ID == nil || (ev.UserID == nil && ev.AnonymousID == nil) || ev.Call == 0) {
						t.Errorf("%s: event without ids", kind)
					}
					if len(ev.Raw) == 0 {
						t.Errorf("%s: event without bytes", kind)
					}
				}
			}
		}
	})
}

// The slow pass, which every record takes if paths cannot be interned, finds what the fast one finds.
func FuzzSlowPass(f *testing.F) {
	for _, s := range []string{
		`"properties":{"a":1,"b":{"c":[1]},"a":null}`, `"context":{"traits":{"x":{}}},"x":1`, `"x":1,"x":2`, `"batch":[{}]`,
		`"timestamp":"x","messageId":"\u0000","properties":{"a":{"a":{"a":1},"a":2}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, members []byte) {
		line := fmt.Appendf(nil, `{"type":"identify","userId":"u",%s}`, members)
		fast := all(t, newDecoder(t, decode.Segment), line)
		opt := options(decode.Segment)
		opt.Paths = schema.NewPaths(1)
		slow := all(t, newWith(t, opt), line)
		if diff := cmp.Diff(fast, slow); diff != "" {
			t.Errorf("(-fast +slow):\n%s", diff)
		}
	})
}

// Nothing in a cell makes a literal that is not JSON.
func FuzzCSV(f *testing.F) {
	f.Add("E", "u", "a\"b\x00\x1f\\")
	f.Fuzz(func(t *testing.T, event, user, cell string) {
		c, err := decode.NewCSV(decode.SegmentCSV, []string{"event", "userId", "prop:x"}, options(decode.SegmentCSV))
		if err != nil {
			t.Fatal(err)
		}
		var ev schema.Event
		c.Decode([][]byte{[]byte(event), []byte(user), []byte(cell)}, []byte(event+","+user+","+cell), &ev)
		for _, l := range ev.Properties {
			var text string
			if err := json.Unmarshal(l.Raw, &text); err != nil || text != cell {
				t.Errorf("cell %q is %s: %v", cell, l.Raw, err)
			}
		}
	})
}
