package gen_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/gen"
	"github.com/tapline/tapline/schema"
)

// occurrences counts equal digests in a map, which is enough for a test's few records.
type occurrences map[[32]byte]uint64

func (o occurrences) Next(digest [32]byte) (uint64, error) {
	o[digest]++
	return o[digest], nil
}

// seen is what Tapline's decoder makes of a file.
type seen struct {
	rows, repeats int64
	quarantined   map[schema.Reason]int64
	ids           map[string]bool
}

func (s *seen) add(ev *schema.Event) {
	switch {
	case ev.Reason != "":
		s.quarantined[ev.Reason]++
	case s.ids[string(ev.ID)]:
		s.repeats++
	default:
		s.rows++
		s.ids[string(ev.ID)] = true
	}
}

func decodeOptions(t *testing.T) decode.Options {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	return decode.Options{
		Paths: schema.NewPaths(0), Occurrences: occurrences{}, Location: zone, Account: "TEST-000-001Z",
	}
}

func decodeLines(t *testing.T, kind decode.Kind, data []byte) *seen {
	t.Helper()
	s := &seen{quarantined: map[schema.Reason]int64{}, ids: map[string]bool{}}
	opt := decodeOptions(t)
	opt.Kind = kind
	d, err := decode.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	var ev schema.Event
	for _, line := range lines(data) {
		for ok := d.Line(line, &ev); ok; ok = d.Next(&ev) {
			s.add(&ev)
		}
	}
	return s
}

func decodeCSV(t *testing.T, kind decode.Kind, data []byte) *seen {
	t.Helper()
	s := &seen{quarantined: map[schema.Reason]int64{}, ids: map[string]bool{}}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	d, err := decode.NewCSV(kind, header, decodeOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	var ev schema.Event
	for {
		from := r.InputOffset()
		row, err := r.Read()
		if err == io.EOF {
			return s
		}
		if err != nil {
			t.Fatal(err)
		}
		cells := make([][]byte, len(row))
		for i, cell := range row {
			cells[i] = []byte(cell)
		}
		d.Decode(cells, data[from:r.InputOffset()], &ev)
		s.add(&ev)
	}
}

// What Stats promises of a file, the decoder must find in it: otherwise one of them misreads the rules.
func TestTheDecoderFindsWhatTheStatsSay(t *testing.T) {
	t.Parallel()
	for kind, read := range map[gen.Kind]func([]byte) *seen{
		gen.Segment:      func(data []byte) *seen { return decodeLines(t, decode.Segment, data) },
		gen.CleverTap:    func(data []byte) *seen { return decodeLines(t, decode.CleverTap, data) },
		gen.SegmentCSV:   func(data []byte) *seen { return decodeCSV(t, decode.SegmentCSV, data) },
		gen.CleverTapCSV: func(data []byte) *seen { return decodeCSV(t, decode.CleverTapCSV, data) },
	} {
		data, want := write(t, gen.Options{Seed: 31, Events: 4000, Kind: kind, Custom: 10, Hostile: 3, Duplicates: 11})
		got := read(data)
		if diff := cmp.Diff(want.Quarantined, got.quarantined); diff != "" {
			t.Errorf("%s: quarantined (-stats +decoded):\n%s", kind, diff)
		}
		if got.rows != want.Total() || got.repeats != want.Repeats {
			t.Errorf("%s: decoded %d rows and %d repeats, want %d and %d", kind, got.rows, got.repeats,
				want.Total(), want.Repeats)
		}
	}
}
