package decode_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

func TestCheckBody(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", decode.MaxEvent)
	deep := strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000)
	tests := map[string]struct {
		body   string
		reason schema.Reason
		want   decode.Body
		key    string
	}{
		"call":                    {body: `{"type":"track"}`, want: decode.Body{Calls: 1}},
		"empty object":            {body: ` { } `, want: decode.Body{Calls: 1}},
		"batch":                   {body: "{\"batch\": [ {}, 5 ,\n[{}] ] }", want: decode.Body{Batch: true, Calls: 3}},
		"empty batch":             {body: `{"batch":[]}`, want: decode.Body{Batch: true}},
		"batch that is none":      {body: `{"batch":5}`, want: decode.Body{Calls: 1}},
		"batch within":            {body: `{"a":{"batch":[1,2]}}`, want: decode.Body{Calls: 1}},
		"key":                     {body: `{"writeKey":"k1","batch":[{"writeKey":"k2"}]}`, want: decode.Body{Batch: true, Calls: 1}, key: "k1"},
		"key after the batch":     {body: `{"batch":[1],"writeKey":"k1"}`, want: decode.Body{Batch: true, Calls: 1}, key: "k1"},
		"key with escapes":        {body: `{"\u0077riteKey":"k\u0031"}`, want: decode.Body{Calls: 1}, key: "k1"},
		"key of a call":           {body: `{"batch":[{"writeKey":"k2"}]}`, want: decode.Body{Batch: true, Calls: 1}},
		"key that is no string":   {body: `{"writeKey":1}`, want: decode.Body{Calls: 1}},
		"two keys":                {body: `{"writeKey":"k1","writeKey":"k2"}`, want: decode.Body{Calls: 1}, key: "k1"},
		"any depth":               {body: `{"a":` + deep + `}`, want: decode.Body{Calls: 1}},
		"lone surrogate":          {body: `{"a":"\ud800"}`, want: decode.Body{Calls: 1}},
		"repeated, but small":     {body: `{"a":1,"a":2}`, want: decode.Body{Calls: 1}},
		"repeated":                {body: `{"a":1,"batch":["` + large + `"],"\u0061":2}`, want: decode.Body{Batch: true, Calls: 1, Repeated: true}},
		"large, nothing repeated": {body: `{"a":1,"batch":["` + large + `"],"b":2}`, want: decode.Body{Batch: true, Calls: 1}},
		"too many keys to tell":   {body: `{` + keys(257) + `,"batch":["` + large + `"]}`, want: decode.Body{Batch: true, Calls: 1, Repeated: true}},
		"many keys":               {body: `{` + keys(255) + `,"batch":["` + large + `"]}`, want: decode.Body{Batch: true, Calls: 1}},

		"nothing":                   {body: ``, reason: schema.InvalidJSON},
		"blank":                     {body: " \n", reason: schema.InvalidJSON},
		"cut":                       {body: `{"batch":[{"a":1}`, reason: schema.InvalidJSON},
		"cut after an element":      {body: `{"batch":[1`, reason: schema.InvalidJSON},
		"comma":                     {body: `{"batch":[1,]}`, reason: schema.InvalidJSON},
		"comma at the end":          {body: `{"a":1,}`, reason: schema.InvalidJSON},
		"no comma":                  {body: `{"batch":[1 2]}`, reason: schema.InvalidJSON},
		"no colon":                  {body: `{"batch" [1]}`, reason: schema.InvalidJSON},
		"no value":                  {body: `{"a":}`, reason: schema.InvalidJSON},
		"bad escape in a key":       {body: `{"\x":1}`, reason: schema.InvalidJSON},
		"bad escape in a write key": {body: `{"writeKey":"\x"}`, reason: schema.InvalidJSON},
		"two":                       {body: `{}{}`, reason: schema.InvalidJSON},
		"bad in a call":             {body: `{"batch":[{"a":01}]}`, reason: schema.InvalidJSON},
		"bad UTF-8 in a call":       {body: "{\"batch\":[{\"a\":\"\xff\"}]}", reason: schema.InvalidUTF8},
		"array":                     {body: `[{}]`, reason: schema.NotAnObject},
		"string":                    {body: `"x"`, reason: schema.NotAnObject},
		"deep and broken":           {body: `{"a":` + deep, reason: schema.NestingTooDeep},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c decode.Checker
			for range 2 { // a used one is as good as new
				got, reason := c.Check([]byte(tt.body))
				key := string(got.WriteKey)
				got.WriteKey = nil
				if reason != tt.reason || key != tt.key || got.Batch != tt.want.Batch || got.Calls != tt.want.Calls ||
					got.Repeated != tt.want.Repeated {
					t.Errorf("got %+v, key %q, reason %q, want %+v, key %q, reason %q", got, key, reason, tt.want, tt.key, tt.reason)
				}
			}
		})
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":0`, i)
	}
	return b.String()[1:]
}

func TestCheckBodyDoesNotAllocate(t *testing.T) {
	var c decode.Checker
	call := `{"type":"track","event":"E\n","userId":"u","properties":{"a":[1,2,{"b":null}],"c":"\u00e9"}},`
	body := []byte(`{"sentAt":"x","writeKey":"k\u0031","batch":[` + strings.Repeat(call, 500) + `{}]}`)
	if _, reason := c.Check(body); reason != "" {
		t.Fatal(reason)
	}
	if n := testing.AllocsPerRun(20, func() { c.Check(body) }); n != 0 {
		t.Errorf("%g allocations a body, want none", n)
	}
}

// The check of a body against jsontext, and against the decoder that reads the body later.
func FuzzCheckBody(f *testing.F) {
	for _, s := range []string{
		`{"batch":[{"type":"track","event":"E","userId":"u"},{}],"writeKey":"k"}`, `{"a":1,"batch":[1,[2],{"b":[]}]}`, `[]`, `{}`,
		`{"batch":{}}`, `{"batch":[],"batch":[1]}`, "{\"writeKey\":\"\\u006b\"}", `{"batch":[1,2}`, `{"batch":"x","batch":[3]}`, `{"":[]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 4096 {
			return
		}
		var c decode.Checker
		got, reason := c.Check(body)
		calls, batch, key, ok := byJSONText(body)
		if ok != (reason == "") {
			t.Fatalf("reason %q, but jsontext says that it is an object: %t", reason, ok)
		}
		if ok && (got.Calls != calls || got.Batch != batch || string(got.WriteKey) != key) {
			t.Fatalf("got %+v, key %q; jsontext finds %d calls, batch %t, key %q", got, got.WriteKey, calls, batch, key)
		}
	})
}

// byJSONText is Check, the slow and obvious way.
func byJSONText(body []byte) (calls int, batch bool, key string, ok bool) {
	if !utf8.Valid(body) {
		return 0, false, "", false
	}
	dec := newJSON(body)
	if dec.PeekKind() != '{' {
		return 0, false, "", false
	}
	_, _ = dec.ReadToken()
	found := false
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return 0, false, "", false
		}
		member := name.String()
		raw, err := dec.ReadValue()
		if err != nil {
			return 0, false, "", false
		}
		switch {
		case member == "batch" && raw[0] == '[':
			batch = true
			calls += elements(raw)
		case member == "writeKey" && raw[0] == '"' && !found:
			found = true
			text, _ := jsontext.AppendUnquote(nil, raw)
			key = string(text)
		}
	}
	_, _ = dec.ReadToken()
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return 0, false, "", false
	}
	if !batch {
		calls = 1
	}
	return calls, batch, key, true
}

func elements(array []byte) int {
	dec := newJSON(bytes.Clone(array))
	_, _ = dec.ReadToken()
	n := 0
	for dec.PeekKind() != ']' {
		_, _ = dec.ReadValue()
		n++
	}
	return n
}
