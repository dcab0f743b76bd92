package decode_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/decode"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, want string }{
		{`{"writeKey":"s"}`, `{"writeKey":"***"}`},
		{`{"writeKey" : 5 ,"a":1}`, `{"writeKey" : "***","a":1}`},
		{`{"writeKey":{"a":"}"},"b":[1]}`, `{"writeKey":"***","b":[1]}`},
		{`[{"writeKey":["s","t"]},{"writeKey":"u"}]`, `[{"writeKey":"***"},{"writeKey":"***"}]`},
		{`{"\u0077rite\u004Bey":"s"}`, `{"\u0077rite\u004Bey":"***"}`},
		{`{"writeKey":"a\"s"}`, `{"writeKey":"***"}`},
		{`{"a":"b, "writeKey":"s"}`, `{"a":"b, "writeKey":"***"}`},
		{`{"writeKey":"s`, `{"writeKey":"***"`},
		{`{"writeKey":{"s":"`, `{"writeKey":"***"`},
		{`{"writeKey":s}`, `{"writeKey":"***"}`},
		{`{"writeKey"`, `{"writeKey"`},
		{`{"writeKey":`, `{"writeKey":`},
		{`{"writekey":"a","xwriteKey":"b"}`, `{"writekey":"a","xwriteKey":"b"}`},
		{`{"a":"writeKey"}`, `{"a":"writeKey"}`},
		{"\xff\"writeKey\":\"s\"", "\xff\"writeKey\":\"***\""},
		{`{}`, `{}`},

		// in JSON in a string, once, twice and three times
		{`{"a":"{\"writeKey\":\"s\",\"b\":\"c\"}"}`, `{"a":"{\"writeKey\":\"***\",\"b\":\"c\"}"}`},
		{`"{\"writeKey\" :\n 5}"`, `"{\"writeKey\" :\n \"***\"}"`},
		{`"{\"writeKey\":{\"a\":\"}\"},\"b\":1}"`, `"{\"writeKey\":\"***\",\"b\":1}"`},
		{`"{\"a\":\"{\\\"writeKey\\\":\\\"s\\\"}\"}"`, `"{\"a\":\"{\\\"writeKey\\\":\\\"***\\\"}\"}"`},
		{`"\\\\\\\"writeKey\\\\\\\":\\\\\\\"s\\\\\\\"}"`, `"\\\\\\\"writeKey\\\\\\\":\\\\\\\"***\\\\\\\"}"`},
		{`"{\u0022writeKey\u0022:\u0022s\u0022}"`, `"{\u0022writeKey\u0022:\u0022***\u0022}"`},
		{`"{\u0022writeKey\u0022\u003a\u0022s\"}"`, `"{\u0022writeKey\u0022\u003a\u0022***\u0022}"`},
		{`"{\"write\u004bey\":\"s\"}"`, `"{\"write\u004bey\":\"***\"}"`},
		{`"{\"write\\u004bey\":\"s\"}"`, `"{\"write\\u004bey\":\"***\"}"`},
		{`"\\u0022writeKey\\u0022:\\u0022s\\u0022"`, `"\\u0022writeKey\\u0022:\\u0022***\\u0022"`},
		{`"\u005cu0022writeKey\u005cu0022:\u005c\"s\u005c\""`, `"\u005cu0022writeKey\u005cu0022:\u005cu0022***\u005cu0022"`},
		{`{"a":"{\"writeKey\":\"s`, `{"a":"{\"writeKey\":\"***\"`},
		{`{"a":"{\"writeKey\":\"s","b":"\"c\""}`, `{"a":"{\"writeKey\":\"***\"","b":"\"c\""}`},
		{`{"a":"{\"writeKey\":[\"s\",{","b":"]"}`, `{"a":"{\"writeKey\":\"***\"","b":"]"}`},
		{`{"a":"{\"writeKey\":","b":1}`, `{"a":"{\"writeKey\":","b":1}`},
		{`{"a":"{\"writeKey\":\"s\\\"t\\\\\",\"b\":1}"}`, `{"a":"{\"writeKey\":\"***\",\"b\":1}"}`},
		{`{"writeKey":"s\\","b":"c"}`, `{"writeKey":"***","b":"c"}`},
		{`{"a\"writeKey\"":"b"}`, `{"a\"writeKey\"":"b"}`},
		{`{"a\\":"b","c":"\\\"writeKey\":\"s\""}`, `{"a\\":"b","c":"\\\"writeKey\":\"***\""}`},
	} {
		got := decode.Redact([]byte(c.raw))
		if string(got) != c.want {
			t.Errorf("Redact(%s) = %s, want %s", c.raw, got, c.want)
		}
	}
	raw := []byte(`{"a":"\u00e9"}`)
	if got := decode.Redact(raw); &got[0] != &raw[0] {
		t.Error("Redact copies what has no write key")
	}
}

// TestRedactedLeaves: JSON in a string keeps no write key either, in its column or as a discard.
func TestRedactedLeaves(t *testing.T) {
	t.Parallel()
	line := `{"type":"track","userId":"u","event":"{\"writeKey\":\"s3cret\"}","timestamp":"{\"writeKey\":\"s3cret\"}",` +
		`"context":{"x":"{\"writeKey\":\"s3cret\"}"},"properties":{"a":"{\"b\":\"{\\\"write\\\\u004bey\\\":\\\"s3cret\\\"}\"}","c":"é\u00e9"}}`
	events := all(t, newDecoder(t, decode.Segment), []byte(line))
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	if text := fmt.Sprintf("%+v", events); strings.Contains(text, "s3cret") || !strings.Contains(text, "***") || !strings.Contains(text, "éé") {
		t.Errorf("the event is %s", text)
	}
}

// wrap puts text into a string of JSON, with quotes as \" or as \u0022, and the K of the key escaped or not.
func wrap(text []byte, style byte) []byte {
	quoted, err := json.Marshal(string(text))
	if err != nil {
		panic(err) // strings always encode
	}
	inner := quoted[1 : len(quoted)-1]
	if style&1 != 0 {
		inner = bytes.ReplaceAll(inner, []byte(`\"`), []byte(`\u0022`))
	}
	if style&2 != 0 {
		inner = bytes.ReplaceAll(inner, []byte("writeK"), []byte(`write\u004b`))
	}
	if style&4 != 0 {
		inner = bytes.ReplaceAll(inner, []byte(`\\`), []byte(`\u005c`))
	}
	return append(append([]byte{'"'}, inner...), '"')
}

// No value of a writeKey stays, however deep it is, valid JSON stays valid, and a second time changes nothing.
func FuzzRedact(f *testing.F) {
	f.Add([]byte(`{"writeKey":"s"}`), "secret", []byte{}, 0)
	f.Add([]byte(`{"a":[`), `x"`, []byte{0}, 0)
	f.Add([]byte(``), `a\"b\`, []byte{0, 1}, 3)
	f.Add([]byte(` `), `\`, []byte{7, 6, 5, 4}, 1)
	f.Add([]byte("\\"), "\u00e9", []byte{2, 3}, 9)
	f.Fuzz(func(t *testing.T, before []byte, secret string, styles []byte, cut int) {
		quoted, err := json.Marshal("Tr0ub4dor" + secret + "Tr0ub4dor")
		if err != nil {
			t.Fatal(err)
		}
		inner := append(append([]byte(`{"writeKey":`), quoted...), '}')
		for _, style := range styles[:min(len(styles), 5)] {
			inner = append(append([]byte(`{"a":`), wrap(inner, style)...), '}')
		}
		raw := append(bytes.Clone(before), inner...)
		if cut > 0 {
			raw = raw[:len(raw)-cut%min(len(inner), len(raw))]
		}
		got := decode.Redact(raw)
		if !bytes.Contains(before, []byte("Tr0")) && bytes.Contains(got, []byte("Tr0ub4")) {
			t.Errorf("Redact(%q) = %q keeps the secret", raw, got)
		}
		if json.Valid(raw) && !json.Valid(got) {
			t.Errorf("Redact(%q) = %q is no JSON any more", raw, got)
		}
		if again := decode.Redact(got); !bytes.Equal(again, got) {
			t.Errorf("a second time makes %q of %q", again, got)
		}
	})
}

// What is valid JSON stays so, whatever looks like a key in it.
func FuzzRedactValid(f *testing.F) {
	f.Add([]byte(`"\\\\\"writeKey\\\":\\\"x\"y"`), byte(0))
	f.Add([]byte(`{"":"writeKey\":","writeKey":"\\"}`), byte(3))
	f.Fuzz(func(t *testing.T, raw []byte, style byte) {
		for range 3 {
			got := decode.Redact(raw)
			if json.Valid(raw) && !json.Valid(got) {
				t.Errorf("Redact(%q) = %q is no JSON any more", raw, got)
			}
			if again := decode.Redact(got); !bytes.Equal(again, got) {
				t.Errorf("a second time makes %q of %q", again, got)
			}
			raw = wrap(raw, style)
		}
	})
}
