package decode_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

// segmentLines are track calls as a mobile SDK sends them, about 700 bytes each.
func segmentLines(n int) [][]byte {
	lines := make([][]byte, n)
	for i := range lines {
		lines[i] = fmt.Appendf(nil, `{"type":"track","messageId":"ajs-next-17684712%05d-8f2b7c1e-93d4-4a67-b1f0","event":"Order Completed",`+
			`"userId":"user-%d","anonymousId":"5f0c3f1e-6d1b-4a3f-9f6e-2c8d7e%06d","timestamp":"2026-01-15T10:%02d:%02d.%03dZ",`+
			`"properties":{"order_id":"ord_%08d","total":%d.%02d,"currency":"EUR","coupon":null,"items":%d,"first_order":%t,`+
			`"payment_method":"credit_card","affiliation":"Caf\u00e9 \"Central\"","shipping":{"city":"Berlin","zip":"10%03d"}},`+
			`"context":{"ip":"203.0.113.%d","locale":"de-DE","library":{"name":"analytics-go","version":"3.3.0"},`+
			`"device":{"manufacturer":"Acme","model":"A%d"},"os":{"name":"Android","version":"14"},`+
			`"app":{"name":"Shop","version":"1.4.%d"}}}`,
			i, i%5000, i, i%60, i%59, i%1000, i, i%500, i%100, i%9, i%2 == 0, i%1000, i%255, i%20, i%10)
	}
	return lines
}

// cleverTapLines are records of an export as CleverTap's documentation shows them, about 600 bytes each.
func cleverTapLines(n int) [][]byte {
	lines := make([][]byte, n)
	for i := range lines {
		lines[i] = fmt.Appendf(nil, `{"ts":20260115%02d%02d%02d,"eventName":"Notification Viewed",`+
			`"profile":{"identity":"u-%d","all_identities":["u-%d","pat@example.org"],"platform":"Android","phone":155501%02d},`+
			`"deviceInfo":{"make":"acme","model":"A1","appVersion":"1.4.0","sdkVersion":"70000","osVersion":"14","dpi":420,`+
			`"dimensions":{"width":65,"height":140,"unit":"mm"}},`+
			`"eventProps":{"CT Source":"Mobile","wzrk_id":"1767000000_2026%04d","wzrk_pivot":"wzrk_default","wzrk_ttl":1767400000,`+
			`"CT Session Id":17673230%02d,"CT App Version":"1.4.0","Campaign type":"InApp","joined":"$D_1700000000"}}`,
			i%24, i%60, i%59, i, i, i%100, i%10000, i%100)
	}
	return lines
}

func BenchmarkSegment(b *testing.B) { benchmark(b, decode.Segment, segmentLines(1024)) }

// Text that is not ASCII must not cost much more.
func BenchmarkSegmentUnicode(b *testing.B) {
	lines := segmentLines(1024)
	for i := range lines {
		lines[i] = bytes.Replace(lines[i], []byte(`Caf\u00e9 \"Central\"`), []byte("Café मुंबई"), 1)
	}
	benchmark(b, decode.Segment, lines)
}

func BenchmarkCleverTap(b *testing.B) {
	opt := options(decode.CleverTap)
	opt.Occurrences = nil // a map of digests would be what is measured
	benchmarkWith(b, opt, cleverTapLines(1024))
}

func benchmark(b *testing.B, kind decode.Kind, lines [][]byte) {
	benchmarkWith(b, options(kind), lines)
}

func benchmarkWith(b *testing.B, opt decode.Options, lines [][]byte) {
	d := newWith(b, opt)
	var ev schema.Event
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	b.SetBytes(int64(size / len(lines)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if !d.Line(lines[i&1023], &ev) || ev.Reason != "" {
			b.Fatal(ev.Reason, ev.Detail)
		}
	}
}

// Once its memory has grown, decoding allocates nothing, also where it makes ids and resolves escapes.
func TestNoAllocations(t *testing.T) {
	noID := []byte(`{"type":"identify","anonymousId":"a","traits":{"a":"\u00e9\n","b":{"c":[1,2]}},"x":{"y":[1]},"context":null}`)
	for name, c := range map[string]struct {
		kind  decode.Kind
		lines [][]byte
	}{
		"segment":   {decode.Segment, segmentLines(50)},
		"made id":   {decode.Segment, [][]byte{noID}},
		"clevertap": {decode.CleverTap, cleverTapLines(50)},
	} {
		opt := options(c.kind)
		opt.Occurrences = nil
		d := newWith(t, opt)
		var ev schema.Event
		run := func() {
			for _, line := range c.lines {
				if !d.Line(line, &ev) || ev.Reason != "" {
					t.Fatal(name, ev.Reason, ev.Detail)
				}
			}
		}
		run()
		if got := testing.AllocsPerRun(20, run); got != 0 {
			t.Errorf("%s: %v allocations a run, want 0", name, got)
		}
	}
}
