package gateway_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tapline/tapline/internal/gateway"
)

// batchOf returns a batch of exactly size bytes, all of them in one call.
func batchOf(size int) string {
	const frame = `{"batch":[{"type":"track","userId":"u","event":"E","properties":{"a":""}}]}`
	return strings.Replace(frame, `""`, `"`+strings.Repeat("x", size-len(frame))+`"`, 1)
}

func callOf(size int) string {
	const frame = `{"type":"track","userId":"u","event":"E","properties":{"a":""}}`
	return strings.Replace(frame, `""`, `"`+strings.Repeat("x", size-len(frame))+`"`, 1)
}

func eventsOf(n int) string { return `{"batch":[` + strings.Repeat("{},", n-1) + `{}]}` }

func TestLimitsToTheByte(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	const large = "event_too_large"
	tests := map[string]struct {
		path, body string
		status     int
		code       string
	}{
		"batch at the limit":                {"/v1/batch", batchOf(512_000), 200, ""},
		"batch at the limit, with line end": {"/v1/batch", batchOf(512_000) + "\r\n", 200, ""},
		"batch over":                        {"/v1/batch", batchOf(512_001), 400, large},
		"batch as clients really send":      {"/v1/batch", batchOf(500_337), 200, ""},
		"batch over by spaces":              {"/v1/batch", batchOf(511_990) + strings.Repeat(" ", 11), 400, large},
		"not JSON, over":                    {"/v1/batch", strings.Repeat("x", 512_006), 400, large},
		"at the most that is read":          {"/v1/batch", batchOf(1_048_576), 400, large},
		"beyond what is read":               {"/v1/batch", batchOf(1_048_577), 413, large},
		"call at the limit":                 {"/v1/track", callOf(32_768), 200, ""},
		"call at the limit, with line end":  {"/v1/track", callOf(32_768) + "\n", 200, ""},
		"call at the limit, marked":         {"/v1/track", "\xef\xbb\xbf" + callOf(32_768), 200, ""},
		"call over":                         {"/v1/track", callOf(32_769), 400, large},
		"call over, at another path":        {"/v1/batch", callOf(32_769), 400, large},
		"call over by spaces":               {"/v1/track", callOf(32_768) + " ", 400, large},
		"batch at the path of a call":       {"/v1/track", batchOf(512_000), 200, ""},
		"events at the limit":               {"/v1/batch", eventsOf(2_500), 200, ""},
		"events over":                       {"/v1/batch", eventsOf(2_501), 400, "too_many_events"},
		"a batch with a key twice":          {"/v1/batch", `{"sentAt":1,"sentAt":2,` + batchOf(40_000)[1:], 400, "duplicate_key"},
		"a small one with a key twice":      {"/v1/batch", `{"sentAt":1,"sentAt":2,` + batchOf(32_000)[1:], 200, ""},
	}
	for name, tt := range tests {
		for _, compressed := range []bool{false, true} {
			sent := tt.body
			if compressed {
				sent = zip(t, sent)
			}
			got := d.post(t, tt.path, sent)
			taken := d.intake.taken()
			if tt.status != 200 {
				if got.status != tt.status || got.code() != tt.code || len(taken) != 0 {
					t.Errorf("%s, gzip %t: got %d %s, taken %d", name, compressed, got.status, got.body, len(taken))
				}
				continue
			}
			want := strings.TrimRight(strings.TrimPrefix(tt.body, "\xef\xbb\xbf"), "\r\n")
			if got.status != 200 || len(taken) != 1 || string(taken[0].Body) != want {
				t.Errorf("%s, gzip %t: got %d %s, taken %d", name, compressed, got.status, got.body, len(taken))
			}
		}
	}
}

func TestChunkedBodies(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	for size, status := range map[int]int{40_000: 200, 512_000: 200, 512_001: 400, 1_048_577: 413} {
		body := io.MultiReader(strings.NewReader(batchOf(size))) // of no known length
		got := d.do(t, http.MethodPost, "/v1/batch", body, "Authorization", basic(goodKey))
		if got.status != status {
			t.Errorf("%d bytes: got %d %s", size, got.status, got.body)
		}
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	d := open(t, gateway.Config{Metrics: metrics}, gateway.ServeOptions{})
	whole := zip(t, aCall)
	flipped := []byte(whole)
	flipped[len(flipped)-6] ^= 1 // the checksum
	tests := map[string]struct {
		body, encoding string
		status         int
		code           string
	}{
		"gzip":                        {whole, "gzip", 200, ""},
		"in capitals":                 {whole, "GZIP", 200, ""},
		"x-gzip":                      {whole, "x-gzip", 200, ""},
		"not announced":               {whole, "", 200, ""},
		"announced, but is plain":     {aCall, "gzip", 200, ""},
		"identity":                    {aCall, "identity", 200, ""},
		"several members":             {zip(t, aCall[:5], "", aCall[5:]), "gzip", 200, ""},
		"bytes after it":              {whole + "x", "gzip", 400, "invalid_gzip"},
		"zeros after it":              {whole + "\x00\x00", "gzip", 400, "invalid_gzip"},
		"no trailer":                  {whole[:len(whole)-8], "gzip", 400, "invalid_gzip"},
		"cut":                         {whole[:len(whole)-15], "gzip", 400, "invalid_gzip"},
		"only two bytes":              {whole[:2], "gzip", 400, "invalid_gzip"},
		"wrong checksum":              {string(flipped), "gzip", 400, "invalid_gzip"},
		"one member whole, next cut":  {whole + zip(t, " ")[:9], "gzip", 400, "invalid_gzip"},
		"gzip within gzip":            {zip(t, whole), "gzip", 400, "invalid_utf8"},
		"nothing within":              {zip(t, ""), "gzip", 400, "invalid_json"},
		"nothing":                     {"", "gzip", 400, "invalid_json"},
		"another compression":         {whole, "br", 415, "unsupported_encoding"},
		"two compressions":            {whole, "gzip, gzip", 415, "unsupported_encoding"},
		"what is within is no object": {zip(t, "[]"), "gzip", 400, "not_an_object"},
	}
	for name, tt := range tests {
		got := d.post(t, "/v1/track", tt.body, "Content-Encoding", tt.encoding)
		taken := d.intake.taken()
		if tt.status == 200 {
			if got.status != 200 || len(taken) != 1 || string(taken[0].Body) != aCall {
				t.Errorf("%s: got %+v, taken %+v", name, got, taken)
			}
		} else if got.status != tt.status || got.code() != tt.code || len(taken) != 0 {
			t.Errorf("%s: got %+v, taken %+v", name, got, taken)
		}
	}
	until(t, "nothing is held any more", func() bool { return value(t, metrics, "tapline_http_in_flight_bytes") == 0 })
}

// A body of half a megabyte that would be half a gigabyte.
func TestGzipBomb(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{MaxInFlight: 2 << 20}, gateway.ServeOptions{})
	var bomb strings.Builder
	w, err := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	zeros := strings.Repeat(" ", 1<<20)
	for range 490 {
		_, _ = io.WriteString(w, zeros)
	}
	_ = w.Close()
	if bomb.Len() > 512_000 {
		t.Fatalf("the bomb has %d bytes", bomb.Len())
	}
	if got := d.post(t, "/v1/batch", bomb.String(), "Content-Encoding", "gzip"); got.status != 413 || got.code() != "event_too_large" {
		t.Errorf("got %+v", got)
	}
	// Compressed so badly that it is over on the wire.
	if got := d.post(t, "/v1/batch", zip(t, "x")+strings.Repeat("\x00", 600_000)); got.status != 400 {
		t.Errorf("over on the wire: got %+v", got)
	}
}

func TestUnreadableBodies(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	deep := strings.Repeat(`{"a":`, 65)
	for body, code := range map[string]string{
		"": "invalid_json", " \r\n": "invalid_json", "{": "invalid_json", `{"a":1}{"a":1}`: "invalid_json", aCall + "\n" + aCall: "invalid_json",
		"[" + aCall + "]": "not_an_object", `"x"`: "not_an_object", "null": "not_an_object", "{\"a\":\"\xff\"}": "invalid_utf8",
		"\xff\xfe{\x00}\x00": "invalid_utf8", "data=" + aCall: "invalid_json", "\xef\xbb\xbf\xef\xbb\xbf" + aCall: "invalid_json",
		`{"batch":[` + aCall + `,{"a":01}]}`: "invalid_json", deep: "nesting_too_deep", "\x00": "invalid_json",
	} {
		for _, path := range []string{"/v1/track", "/v1/batch"} {
			if got := d.post(t, path, body); got.status != http.StatusBadRequest || got.code() != code {
				t.Errorf("%s %.40q: got %+v", path, body, got)
			}
		}
	}
	if taken := d.intake.taken(); len(taken) != 0 {
		t.Errorf("taken: %+v", taken)
	}
}

// What is wrong with single calls is not for the door to judge.
func TestBadCallsAreTaken(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	large := callOf(40_000)
	deep := `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`
	for i, body := range []string{
		`{}`, `{"type":"nonsense"}`, deep, `{"userId":"\ud800"}`, `{"userId":"\u0000"}`, `{"type":"track","type":"page"}`,
		`{"batch":null}`, `{"batch":{}}`, fmt.Sprintf(`{"batch":[%s,%s,1,null,"x",[],%s]}`, aCall, large, deep),
	} {
		got := d.post(t, "/v1/batch", body)
		if taken := d.intake.taken(); got.status != http.StatusOK || len(taken) != 1 || string(taken[0].Body) != body {
			t.Errorf("%d: got %+v, taken %+v", i, got, taken)
		}
	}
}
