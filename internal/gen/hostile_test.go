package gen_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/tapline/tapline/internal/gen"
	"github.com/tapline/tapline/schema"
)

// fate judges a JSON line without Tapline's decoder, as far as the standard library can tell.
func fate(line []byte) schema.Reason {
	var object map[string]json.RawMessage
	switch {
	case len(line) > 32<<10:
		return schema.EventTooLarge
	case !utf8.Valid(line):
		return schema.InvalidUTF8
	case bytes.Contains(line, []byte(strings.Repeat(`{"a":`, 65))):
		return schema.NestingTooDeep
	case !json.Valid(line):
		return schema.InvalidJSON
	case json.Unmarshal(line, &object) != nil:
		return schema.NotAnObject
	case bytes.Contains(line, []byte(`"properties":`)):
		return envelopeFate(line, object)
	case object["profile"] == nil && object["eventProps"] != nil && !bytes.Contains(line, []byte("clevertapId")):
		return schema.NoUserAnonID
	}
	return ""
}

func envelopeFate(line []byte, object map[string]json.RawMessage) schema.Reason {
	is := func(key string, first byte) bool { return len(object[key]) > 0 && object[key][0] == first }
	switch {
	case bytes.Count(line, []byte(`"type":"track"`)) > 1:
		return schema.DuplicateKey
	case object["type"] == nil:
		return schema.MissingType
	case string(object["type"]) != `"track"`:
		return schema.UnknownType
	case is("messageId", '{'):
		return schema.InvalidMessageID
	case len(object["messageId"]) > 102:
		return schema.MessageIDTooLong
	case is("userId", 't'):
		return schema.InvalidUserID
	case object["userId"] == nil && (object["anonymousId"] == nil || string(object["anonymousId"]) == `""`):
		return schema.NoUserAnonID
	case object["event"] == nil:
		return schema.MissingEvent
	case is("event", '['):
		return schema.InvalidEvent
	case bytes.Contains(object["event"], []byte(`\u0000`)):
		return schema.NULCharacter
	case !is("properties", '{'):
		return schema.InvalidProperties
	case !is("context", '{'):
		return schema.InvalidContext
	}
	return ""
}

func TestHostileLinesHaveTheFateTheStatsSay(t *testing.T) {
	t.Parallel()
	for kind, wantReasons := range map[gen.Kind]int{gen.Segment: 17, gen.CleverTap: 6} {
		data, stats := write(t, gen.Options{Seed: 21, Events: 4000, Kind: kind, Hostile: 4, Duplicates: 50, Custom: 5})
		got := map[schema.Reason]int64{}
		for _, line := range lines(data) {
			if reason := fate(line); reason != "" {
				got[reason]++
			}
		}
		if diff := cmp.Diff(stats.Quarantined, got); diff != "" {
			t.Errorf("%s: quarantined (-stats +seen):\n%s", kind, diff)
		}
		if len(stats.Quarantined) != wantReasons {
			t.Errorf("%s: got %d reasons of quarantine, want %d: %v", kind, len(stats.Quarantined), wantReasons, stats.Quarantined)
		}
		checkSum(t, kind, &stats, 4000)
		if len(stats.Discarded) < 7 {
			t.Errorf("%s: got discards %v, want at least 7 reasons", kind, stats.Discarded)
		}
	}
}

// checkSum holds the stats to the first law: accepted = loaded + quarantined + duplicates.
func checkSum(t *testing.T, kind gen.Kind, stats *gen.Stats, want int64) {
	t.Helper()
	sum := stats.Total() + stats.Repeats
	for _, n := range stats.Quarantined {
		sum += n
	}
	if sum != want || stats.Records != want {
		t.Errorf("%s: got %d records, the fates sum up to %d, want %d", kind, stats.Records, sum, want)
	}
}

func TestHostileCSV(t *testing.T) {
	t.Parallel()
	for _, kind := range []gen.Kind{gen.SegmentCSV, gen.CleverTapCSV} {
		data, stats := write(t, gen.Options{Seed: 22, Events: 1000, Kind: kind, Hostile: 5})
		r := csv.NewReader(bytes.NewReader(data))
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		got := map[schema.Reason]int64{}
		for _, row := range rows[1:] {
			switch {
			case len(row) != len(rows[0]):
				got[schema.WrongFieldCount]++
			case !utf8.ValidString(row[0]):
				got[schema.InvalidUTF8]++
			}
		}
		if diff := cmp.Diff(stats.Quarantined, got); diff != "" {
			t.Errorf("%s: quarantined (-stats +seen):\n%s", kind, diff)
		}
		if len(got) != 2 {
			t.Errorf("%s: got %v, want both reasons", kind, got)
		}
		checkSum(t, kind, &stats, 1000)
	}
}
