package decode_test

import (
	"bytes"
	"encoding/json"
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

// No value of a writeKey stays, valid JSON stays valid, and a second time changes nothing.
func FuzzRedact(f *testing.F) {
	f.Add([]byte(`{"writeKey":"s"}`), "secret")
	f.Add([]byte(`{"a":[`), `x"`)
	f.Fuzz(func(t *testing.T, before []byte, secret string) {
		quoted, err := json.Marshal("\x01" + secret)
		if err != nil {
			t.Fatal(err)
		}
		raw := append(append(bytes.Clone(before), `{"writeKey":`...), quoted...)
		raw = append(raw, '}')
		got := decode.Redact(raw)
		if !bytes.Contains(before, []byte("u0001")) && bytes.Contains(got, []byte(`\u0001`)) {
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
