package clevertap_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/source/clevertap"
)

// FuzzScan compares the scanner with encoding/json on everything that is an answer, and with itself on any pieces of anything.
func FuzzScan(f *testing.F) {
	for _, name := range []string{"page1.json", "page2_empty_with_cursor.json", "records_null.json", "truncated_body.json", "http_502.html", "odd_props.json"} {
		f.Add(clevertapfake.File(name), uint8(3))
	}
	for _, text := range []string{
		`{}`, `{"records":[]}`, `{"records":[1,null,"a]",true,[{"b":"\"]"}],{}], "status":"success"}`, `{"records":[{"a":"\\"}],"x":{"records":[1]}}`,
		`{"records":[1,]}`, `{"a":1,}`, `{"records":[]]}`, ` { "next_cursor" : "a" , "records" : [ 1 , 2 ] } `, `{"records":[],"records":[]}`,
	} {
		f.Add([]byte(text), uint8(1))
	}
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		records, status, next, err := clevertap.Scan(text, len(text)+1)
		again, status2, next2, err2 := clevertap.Scan(text, int(piece)+1)
		if len(again) != len(records) || status != status2 || next != next2 || (err == nil) != (err2 == nil) {
			t.Fatalf("in pieces of %d: %d records, %q, %q, %v; at once: %d, %q, %q, %v", piece+1, len(again), status2, next2, err2, len(records), status, next, err)
		}
		for i := range records {
			if !bytes.Equal(records[i], again[i]) {
				t.Fatalf("record %d: %q in pieces, %q at once", i, again[i], records[i])
			}
		}
		want, ok := oracle(text)
		if !ok {
			return
		}
		if err != nil || len(records) != len(want) {
			t.Fatalf("%q: %d records, %v; want %d", text, len(records), err, len(want))
		}
		for i := range want {
			if !bytes.Equal(records[i], want[i]) {
				t.Fatalf("record %d: got %q, want %q", i, records[i], want[i])
			}
		}
	})
}

// oracle returns the records of an answer that is beyond doubt: valid JSON, no key twice or with an escape, nothing long.
func oracle(text []byte) ([]json.RawMessage, bool) {
	var all map[string]json.RawMessage
	if len(text) > 4096 || json.Unmarshal(text, &all) != nil || all == nil {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	seen := map[string]bool{}
	for d.More() {
		start := d.InputOffset()
		key, err := d.Token()
		if err != nil {
			return nil, false
		}
		name := key.(string) //nolint:forcetypeassert // a key
		if seen[name] || len(name) > 200 || bytes.ContainsAny(text[start:d.InputOffset()], `\`) || !bytes.Contains(text[start:d.InputOffset()], []byte(name)) {
			return nil, false
		}
		seen[name] = true
		var skip json.RawMessage
		if d.Decode(&skip) != nil {
			return nil, false
		}
	}
	for _, name := range []string{"status", "cursor", "next_cursor"} {
		var s string
		if raw, ok := all[name]; ok && json.Unmarshal(raw, &s) != nil {
			return nil, false
		}
	}
	var records []json.RawMessage
	_ = json.Unmarshal(all["records"], &records) // of another type it has none
	return records, true
}
