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

// seen is what Tapline makes of a file that is loaded into the catalogue's tables.
type seen struct {
	repeats                int64
	rows                   map[string]int64 // by table
	quarantined, discarded map[schema.Reason]int64
	ids                    map[string]bool
	state                  *schema.State
	row                    schema.Row
}

func newSeen() *seen {
	have := schema.Tables{}
	for _, table := range schema.BaselineTables() {
		have[table.Name] = &table
	}
	return &seen{
		rows: map[string]int64{}, quarantined: map[schema.Reason]int64{}, discarded: map[schema.Reason]int64{},
		ids: map[string]bool{}, state: schema.NewState(have, schema.Options{}),
	}
}

func (s *seen) add(ev *schema.Event) {
	if ev.Reason != "" {
		s.quarantined[ev.Reason]++
		return
	}
	if s.ids[string(ev.ID)] {
		s.repeats++
		return
	}
	s.ids[string(ev.ID)] = true
	if reason := s.state.Row(ev, 0, &s.row); reason != "" {
		s.quarantined[reason]++
		return
	}
	s.rows[s.row.Table.Name]++
	for _, d := range s.row.Discards {
		s.discarded[d.Reason]++
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
	s := newSeen()
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
	s := newSeen()
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

// What Stats promises of a file, the decoder and the schema must find in it: otherwise one of them misreads the rules.
func TestTheStatsAreWhatTaplineFinds(t *testing.T) {
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
			t.Errorf("%s: quarantined (-stats +loaded):\n%s", kind, diff)
		}
		if diff := cmp.Diff(want.Discarded, got.discarded); diff != "" {
			t.Errorf("%s: discarded (-stats +loaded):\n%s", kind, diff)
		}
		rows := map[string]int64{}
		for event, n := range want.Rows {
			rows[schema.TableName(event)] += n
		}
		if diff := cmp.Diff(rows, got.rows); diff != "" || got.repeats != want.Repeats {
			t.Errorf("%s: %d repeats, want %d; rows (-stats +loaded):\n%s", kind, got.repeats, want.Repeats, diff)
		}
	}
}
