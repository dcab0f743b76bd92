package parquet_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"github.com/tapline/tapline/internal/parquet"
	"github.com/tapline/tapline/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// fileOf writes rows as a file.
func fileOf[T any](t testing.TB, rows []T, options ...pq.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pq.NewGenericWriter[T](&b, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// records reads all of a file.
func records(content []byte) (lines []string, err error) {
	r, err := parquet.Open(bytes.NewReader(content), int64(len(content)), false)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		line, err := r.Next(nil)
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line))
	}
}

// problemOf is the problem of an Error, empty if it is none.
func problemOf(err error) parquet.Problem {
	var p *parquet.Error
	if errors.As(err, &p) {
		return p.Problem
	}
	return ""
}

type base struct {
	TS        int64  `parquet:"ts"`
	EventName string `parquet:"eventName"`
}

// TestTypes: each type that a column may have, and how it is written.
func TestTypes(t *testing.T) {
	t.Parallel()
	type row struct {
		base
		Bool      bool              `parquet:"eventProps.bool"`
		Int32     int32             `parquet:"eventProps.int32"`
		Uint64    uint64            `parquet:"eventProps.uint64"`
		Uint8     uint8             `parquet:"eventProps.uint8"`
		Float     float32           `parquet:"eventProps.float"`
		Double    float64           `parquet:"eventProps.double"`
		Whole     float64           `parquet:"eventProps.whole"`
		NaN       float64           `parquet:"eventProps.nan"`
		Text      string            `parquet:"eventProps.text"`
		Bytes     []byte            `parquet:"eventProps.bytes"`
		Enum      string            `parquet:"eventProps.enum,enum"`
		JSON      string            `parquet:"eventProps.json,json"`
		Date      int32             `parquet:"eventProps.date,date"`
		Millis    int64             `parquet:"eventProps.millis,timestamp(millisecond)"`
		Micros    time.Time         `parquet:"eventProps.micros,timestamp(microsecond)"`
		Time      int64             `parquet:"eventProps.time,time(microsecond)"`
		Int96     deprecated.Int96  `parquet:"eventProps.int96"`
		Decimal   int64             `parquet:"eventProps.decimal,decimal(2:18)"`
		UUID      [16]byte          `parquet:"eventProps.uuid,uuid"`
		List      []string          `parquet:"eventProps.list,list"`
		Repeated  []int64           `parquet:"eventProps.repeated"`
		Map       map[string]int64  `parquet:"eventProps.map"`
		Null      *string           `parquet:"eventProps.null,optional"`
		Nested    []map[string]bool `parquet:"eventProps.nested,list"`
		Extra     string            `parquet:"extra"`
		Platform  string            `parquet:"platform"`
		GroupName *string           `parquet:"controlGroupName,optional"`
	}
	at := time.Date(2026, 10, 4, 1, 2, 3, 4000, time.UTC)
	full := row{
		base: base{20261004010203, "Charged"}, Bool: true, Int32: -5, Uint64: math.MaxUint64, Uint8: 200, Float: 0.1, Double: 1e300,
		Whole: 1767323045, NaN: math.NaN(), Text: "a\"\\\n\x00é", Bytes: []byte("raw"), Enum: "e", JSON: `{"x":1}`,
		Date: int32(at.Unix() / 86_400), Millis: at.UnixMilli(), Micros: at, Time: 3_600_001_500,
		Int96: deprecated.Int96{3_723_000_000 & math.MaxUint32, 0, 2_440_588 + 20_000}, Decimal: -1_05,
		UUID: [16]byte{1, 2, 3, 15: 255}, List: []string{"a", "b"}, Repeated: []int64{1, 2}, Map: map[string]int64{"k": 7},
		Nested: []map[string]bool{{"x": true}, {}}, Extra: "x", Platform: "iOS",
	}
	empty := row{base: base{20261004010204, "Charged"}}
	got, err := records(fileOf(t, []row{full, empty}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"ts":20261004010203,"eventName":"Charged","eventProps":{"bool":true,"int32":-5,"uint64":18446744073709551615,"uint8":200,` +
			`"float":0.1,"double":1e+300,"whole":1767323045,"nan":"NaN","text":"a\"\\\u000a\u0000é","bytes":"raw","enum":"e","json":"{\"x\":1}",` +
			`"date":"2026-10-04","millis":"2026-10-04T01:02:03Z","micros":"2026-10-04T01:02:03.000004Z","time":"01:00:00.0015",` +
			`"int96":"2024-10-04T00:00:03.723Z","decimal":-1.05,"uuid":"01020300-0000-0000-0000-0000000000ff","list":["a","b"],"repeated":[1,2],` +
			`"map":{"k":7},"nested":[{"x":true},{}],"extra":"x"},"profile":{"platform":"iOS"}}`,
		`{"ts":20261004010204,"eventName":"Charged","eventProps":{"bool":false,"int32":0,"uint64":0,"uint8":0,"float":0,"double":0,"whole":0,` +
			`"nan":0,"text":"","bytes":"","enum":"","json":"","date":"1970-01-01","millis":"1970-01-01T00:00:00Z","micros":"0001-01-01T00:00:00Z",` +
			`"time":"00:00:00","int96":"-4713-11-24T00:00:00Z","decimal":0.00,"uuid":"00000000-0000-0000-0000-000000000000","list":[],"repeated":[],` +
			`"map":{},"nested":[],"extra":""},"profile":{"platform":""}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestUnknown: types and shapes that are none of CleverTap's are named.
func TestUnknown(t *testing.T) {
	t.Parallel()
	type fixed struct {
		base
		Odd [3]byte `parquet:"eventProps.odd"`
	}
	for name, tt := range map[string]struct {
		content []byte
		problem parquet.Problem
		names   string
	}{
		"fixed": {fileOf(t, []fixed{{}}), parquet.UnknownType, "eventProps.odd"},
		"no event": {fileOf(t, []struct {
			TS int64 `parquet:"ts"`
		}{{1}}), parquet.UnknownShape, "eventName"},
		"no time": {fileOf(t, []struct {
			Event string `parquet:"eventName"`
		}{{"x"}}), parquet.UnknownShape, "ts"},
		"footer encrypted": {bytes.ReplaceAll(fileOf(t, []base{{1, "x"}}), []byte("PAR1"), []byte("PARE")), parquet.Encrypted, "encrypted"},
	} {
		_, err := records(tt.content)
		if problemOf(err) != tt.problem || !strings.Contains(err.Error(), tt.names) {
			t.Errorf("%s: got %v, want %s naming %s", name, err, tt.problem, tt.names)
		}
	}
}

// TestPagesAreBounded: a small file whose pages take much memory is refused before it is read.
func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	type row struct {
		base
		Nothing *int64 `parquet:"eventProps.nothing,optional"`
	}
	var b bytes.Buffer
	w := pq.NewGenericWriter[row](&b, pq.PageBufferSize(1<<30), pq.MaxRowsPerRowGroup(math.MaxInt32), pq.Compression(&pq.Zstd))
	rows := make([]row, 10_000)
	for range 400 {
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := records(b.Bytes()); problemOf(err) != parquet.TooLarge {
		t.Errorf("%d bytes: got %v, want %s", b.Len(), err, parquet.TooLarge)
	}
}

// TestDamage flips a bit at each place of a file, and cuts it there: what is not read is an Error, never a panic.
func TestDamage(t *testing.T) {
	t.Parallel()
	type row struct {
		base
		Props map[string]string `parquet:"eventProps"`
		List  []string          `parquet:"profile.all_identities,list"`
	}
	var rows []row
	for i := range 20 {
		rows = append(rows, row{base{int64(20261004010200 + i), "Charged"}, map[string]string{"a": "b", "c": strings.Repeat("d", i)}, []string{"x", "y"}})
	}
	for _, options := range [][]pq.WriterOption{{pq.Compression(&pq.Snappy)}, {pq.Compression(&pq.Uncompressed), pq.DataPageVersion(1)}} {
		whole := fileOf(t, rows, options...)
		if lines, err := records(whole); err != nil || len(lines) != len(rows) {
			t.Fatalf("undamaged: %d rows and %v", len(lines), err)
		}
		for i := range whole {
			bad := bytes.Clone(whole)
			bad[i] ^= 1 << rand.IntN(8)
			if lines, err := records(bad); err != nil && problemOf(err) == "" || err == nil && len(lines) != len(rows) {
				t.Errorf("byte %d: %d rows and %v", i, len(lines), err)
			}
			if _, err := records(whole[:i]); problemOf(err) == "" {
				t.Errorf("cut at %d: %v", i, err)
			}
		}
	}
}

// FuzzOpen reads whatever it is given: in bounded memory, to an Error or the end.
func FuzzOpen(f *testing.F) {
	type row struct {
		base
		Props map[string]string `parquet:"eventProps"`
		List  []string          `parquet:"profile.all_identities,list"`
	}
	f.Add(fileOf(f, []row{{base{20261004010203, "Charged"}, map[string]string{"a": "b"}, []string{"x"}}}))
	f.Add(fileOf(f, []base{{1, "x"}}, pq.Compression(&pq.Snappy)))
	// A footer that says that its schema has two thousand million elements.
	f.Add([]byte("PAR1\x15\x02\x29\xfc\xff\xff\xff\xff\x07\x00\x0a\x00\x00\x00PAR1"))
	// One that says that a text is as long.
	f.Add([]byte("PAR1\x15\x02\x28\xff\xff\xff\xff\x07\x00\x09\x00\x00\x00PAR1"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, err := records(content); err != nil && problemOf(err) == "" {
			t.Errorf("got %v, want an Error", err)
		}
	})
}
