package decode_test

import (
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

func newDecoder(tb testing.TB, kind decode.Kind) *decode.Decoder {
	tb.Helper()
	d, err := decode.New(decode.Options{Kind: kind, Paths: schema.NewPaths(0)})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func BenchmarkSegment(b *testing.B) {
	lines := segmentLines(1024)
	d := newDecoder(b, decode.Segment)
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
