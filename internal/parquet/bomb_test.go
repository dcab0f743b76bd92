package parquet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// raw is a page of a required or repeated column, as hostile as it likes.
type raw struct {
	header format.PageHeader
	body   []byte
}

// dataPage is a page of values.
func dataPage(values, uncompressed int, encoding format.Encoding, body []byte) raw {
	h := format.PageHeader{Type: format.DataPage, UncompressedPageSize: int32(uncompressed), CompressedPageSize: int32(len(body))}
	h.DataPageHeader.Valid = true
	h.DataPageHeader.V = format.DataPageHeader{
		NumValues: int32(values), Encoding: encoding, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
	}
	return raw{h, body}
}

// handmade is a file of one row group with a time and an event in each row, and a third column of these pages.
func handmade(t *testing.T, rows int, third format.SchemaElement, codec format.CompressionCodec, pages ...raw) []byte {
	t.Helper()
	required := func(name string, kind format.Type) format.SchemaElement {
		e := format.SchemaElement{Name: name}
		e.Type.Valid, e.Type.V = true, kind
		e.RepetitionType.Valid, e.RepetitionType.V = true, format.Required
		return e
	}
	var times, events []byte
	for range rows {
		times = binary.LittleEndian.AppendUint64(times, 20261004010203)
		events = append(binary.LittleEndian.AppendUint32(events, 1), 'x')
	}
	root := format.SchemaElement{Name: "root"}
	root.NumChildren.Valid, root.NumChildren.V = true, 3
	md := format.FileMetaData{
		Version: 1, NumRows: int64(rows), RowGroups: []format.RowGroup{{NumRows: int64(rows)}},
		Schema: []format.SchemaElement{root, required("ts", format.Int64), required("eventName", format.ByteArray), third},
	}
	var protocol thrift.CompactProtocol
	marshal := func(v any) []byte {
		text, err := thrift.Marshal(&protocol, v)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	file := []byte("PAR1")
	for i, chunk := range [][]raw{{dataPage(rows, len(times), format.Plain, times)}, {dataPage(rows, len(events), format.Plain, events)}, pages} {
		e := md.Schema[i+1]
		c := format.ColumnMetaData{Type: e.Type.V, PathInSchema: []string{e.Name}, Codec: format.Uncompressed, DataPageOffset: int64(len(file))}
		if i == 2 {
			c.Codec = codec
		}
		for _, p := range chunk {
			if p.header.DictionaryPageHeader.Valid {
				c.DictionaryPageOffset = int64(len(file))
			} else {
				c.NumValues += int64(p.header.DataPageHeader.V.NumValues)
			}
			header := marshal(&p.header)
			file = append(append(file, header...), p.body...)
			c.TotalCompressedSize += int64(len(header) + len(p.body))
			if p.header.DictionaryPageHeader.Valid {
				c.DataPageOffset = int64(len(file))
			}
		}
		md.RowGroups[0].Columns = append(md.RowGroups[0].Columns, format.ColumnChunk{MetaData: c})
	}
	footer := marshal(&md)
	file = append(file, footer...)
	return append(binary.LittleEndian.AppendUint32(file, uint32(len(footer))), "PAR1"...)
}

// column is the third column of handmade.
func column(kind format.Type, repetition format.FieldRepetitionType) format.SchemaElement {
	e := format.SchemaElement{Name: "eventProps.third"}
	e.Type.Valid, e.Type.V = true, kind
	e.RepetitionType.Valid, e.RepetitionType.V = true, repetition
	return e
}

// run is a run of equal values in Parquet's hybrid encoding.
func run(n uint64, value byte) []byte { return append(binary.AppendUvarint(nil, n<<1), value) }

func withLength(data []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(data))), data...)
}

// allocated is how many bytes were ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestBombs reads small files that become large if they are believed: each is refused, or read to its end, and what is
// allocated has a bound. It runs alone: it measures.
func TestBombs(t *testing.T) { //nolint:paralleltest // see above
	zeros := make([]byte, 256<<20)
	var gz, zs bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{g, z} {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sn := snappy.Encode(nil, zeros)
	int64s, text := column(format.Int64, format.Required), column(format.ByteArray, format.Required)
	repeated, optional := column(format.Int64, format.Repeated), column(format.Int64, format.Optional)
	const many = math.MaxInt32 - 1
	header := func(values uint64) []byte { // of differences
		return append(binary.AppendUvarint(append(binary.AppendUvarint(nil, 128), 4), values), 0)
	}
	dictionary := func(entry int) raw {
		body := withLength(bytes.Repeat([]byte("d"), entry))
		h := format.PageHeader{Type: format.DictionaryPage, UncompressedPageSize: int32(len(body)), CompressedPageSize: int32(len(body))}
		h.DictionaryPageHeader.Valid = true
		h.DictionaryPageHeader.V = format.DictionaryPageHeader{NumValues: 1, Encoding: format.Plain}
		return raw{h, body}
	}
	row := func(n uint64, first bool) []byte { // levels of n values that are there, of one row
		rep := run(n, 1)
		if first {
			rep = append(run(1, 0), run(n-1, 1)...)
		}
		return append(withLength(rep), withLength(run(n, 1))...)
	}
	shared := header(128) // 128 values, each a megabyte of the one before it, in one group
	shared = append(append(shared, binary.AppendVarint(nil, 0)...), 32, 32, 32, 32)
	for i := range 127 {
		delta := uint32(0)
		if i == 0 {
			delta = 8 << 20
		}
		shared = binary.LittleEndian.AppendUint32(shared, delta)
	}
	shared = append(shared, make([]byte, 4)...)
	lengths := append(append(header(128), binary.AppendVarint(nil, 0)...), 0, 0, 0, 0)
	for name, content := range map[string][]byte{
		"gzip":        handmade(t, 8, int64s, format.Gzip, dataPage(8, 64, format.Plain, gz.Bytes())),
		"zstd":        handmade(t, 8, int64s, format.Zstd, dataPage(8, 64, format.Plain, zs.Bytes())),
		"snappy":      handmade(t, 8, int64s, format.Snappy, dataPage(8, 64, format.Plain, sn)),
		"lz4":         handmade(t, 8, int64s, format.Lz4Raw, dataPage(8, 64, format.Plain, []byte{0xff, 0, 1, 2, 3})),
		"dictionary":  handmade(t, 8, int64s, format.Uncompressed, dictionary(4), dataPage(8, 7, format.RLEDictionary, append([]byte{1}, run(many, 0)...))),
		"definitions": handmade(t, 8, optional, format.Uncompressed, dataPage(8, 10, format.Plain, withLength(run(many, 0)))),
		"repetitions": handmade(t, 1, repeated, format.Uncompressed, dataPage(8, 20, format.Plain, append(withLength(run(many, 0)), withLength(run(8, 0))...))),
		"differences": handmade(t, 8, int64s, format.Uncompressed, dataPage(8, 16, format.DeltaBinaryPacked, header(many))),
		"lengths":     handmade(t, 8, text, format.Uncompressed, dataPage(8, 16, format.DeltaLengthByteArray, header(many))),
		"shared":      handmade(t, 128, text, format.Uncompressed, dataPage(128, len(shared)+len(lengths), format.DeltaByteArray, append(shared, lengths...))),
		"booleans": handmade(t, 8, column(format.Boolean, format.Required), format.Uncompressed,
			dataPage(8, 16, format.RLE, withLength(run(many, 1)))),
		"a long row": handmade(t, 1, repeated, format.Uncompressed, dictionary(8),
			dataPage(1<<23, 40, format.RLEDictionary, append(append(row(1<<23, true), 1), run(1<<23, 0)...)),
			dataPage(1<<23, 40, format.RLEDictionary, append(append(row(1<<23, false), 1), run(1<<23, 0)...))),
		"a long record": handmade(t, 1, column(format.ByteArray, format.Repeated), format.Uncompressed, dictionary(1<<20),
			dataPage(1<<16, 40, format.RLEDictionary, append(append(row(1<<16, true), 1), run(1<<16, 0)...))),
	} {
		t.Run(name, func(t *testing.T) {
			before := allocated()
			_, err := records(content)
			if err != nil && problemOf(err) == "" {
				t.Errorf("got %v, want an Error", err)
			}
			if want := "more than 1048576 values"; name == "a long row" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("got %v, want an Error that says %q", err, want)
			}
			if n := (allocated() - before) >> 20; n > 128 {
				t.Errorf("a file of %d bytes took %d MiB (%v)", len(content), n, err)
			}
		})
	}
}

// TestDamagedPages damages files in every codec and encoding, everywhere: none takes all of the memory.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	type row struct {
		base
		Delta  int64    `parquet:"eventProps.delta,delta"`
		Text   string   `parquet:"eventProps.text,delta"`
		Dict   string   `parquet:"eventProps.dict,dict"`
		Split  float64  `parquet:"eventProps.split,split"`
		Yes    bool     `parquet:"eventProps.yes"`
		List   []string `parquet:"eventProps.list,list"`
		Absent *int64   `parquet:"eventProps.absent,optional"`
	}
	var rows []row
	for i := range 300 {
		r := row{base{int64(20261004010200 + i), "Charged"}, int64(i * i), fmt.Sprintf("user-%05d", i/3), strings.Repeat("d", i%7), float64(i), i%3 == 0, nil, nil}
		r.List = make([]string, i%5)
		if i%2 == 0 {
			r.Absent = &r.Delta
		}
		rows = append(rows, r)
	}
	want, err := records(fileOf(t, rows, pq.Compression(&pq.Uncompressed)))
	if err != nil || len(want) != len(rows) {
		t.Fatalf("%d rows and %v", len(want), err)
	}
	for _, codec := range []pq.WriterOption{
		pq.Compression(&pq.Uncompressed), pq.Compression(&pq.Snappy), pq.Compression(&pq.Gzip), pq.Compression(&pq.Zstd),
		pq.Compression(&pq.Lz4Raw), pq.Compression(&pq.Brotli),
	} {
		for version := 1; version <= 2; version++ {
			whole := fileOf(t, rows, codec, pq.DataPageVersion(version), pq.PageBufferSize(1<<10))
			got, err := records(whole)
			if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("undamaged, version %d: %d rows and %v", version, len(got), err)
			}
			for range 400 {
				bad := bytes.Clone(whole)
				bad[rand.IntN(len(bad))] ^= 1 << rand.IntN(8)
				if _, err := records(bad); err != nil && problemOf(err) == "" {
					t.Errorf("version %d: %v is no Error", version, err)
				}
			}
		}
	}
}
