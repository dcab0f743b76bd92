package loader_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// sent is one value of a generated event that is neither null nor an object.
type sent struct {
	column string
	raw    string // its JSON literal
	text   string // of a string, what it says; else raw
	bad    bool   // no text column can hold it
	quoted bool
}

// TestEveryValueIsKept loads random JSON and reads it back: each value is in its column, unchanged, or in _discards, and
// accepted = loaded + quarantined + duplicates.
func TestEveryValueIsKept(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	dir := t.TempDir()
	tables := 0
	var failure string
	// Rapid runs this a hundred times, which is as many tables.
	rapid.Check(t, func(r *rapid.T) {
		if tables++; tables > 15 && failure == "" {
			return // 15 files of up to 40 events are some 2,000 values
		}
		n := rapid.IntRange(1, 40).Draw(r, "events")
		lines := make([]string, n)
		values := make([][]sent, n)
		for i := range lines {
			properties := drawObject(r, 0, nil, &values[i])
			lines[i] = fmt.Sprintf(`{"type":"track","messageId":"m%d","event":"Prop %d","userId":"u","properties":%s}`, i, tables, properties)
		}
		path := writeFile(t, filepath.Join(dir, fmt.Sprint(tables)), []byte(strings.Join(lines, "\n")))
		chunk := rapid.SampledFrom([]int{0, 1000}).Draw(r, "chunk")
		report := loadFiles(t, pool, loader.Config{ChunkBytes: chunk}, loader.FileOptions{Format: "segment"}, path)
		if report.Accepted != int64(n) || report.Loaded != int64(n) {
			failure = "counts"
			r.Fatalf("got %+v, want %d loaded", report.Counts, n)
		}
		s := readStored(t, pool, "clevertap_prod")
		name := fmt.Sprintf("prop_%d", tables)
		for i, vs := range values {
			if problem := lost(s, name, fmt.Sprint("m", i), vs); problem != "" {
				failure = problem
				r.Fatalf("%s\nof %s", problem, lines[i])
			}
		}
	})
}

// lost returns what is wrong with a row, if anything is.
func lost(s *stored, table, id string, values []sent) string {
	row, types := s.tables[table].rows[id], s.tables[table].columns
	discards := map[string]int{}
	for _, d := range s.discards[rowKey{table, id}] {
		discards[d.Column+" "+d.Value]++
	}
	rivals, equals := map[string]int{}, map[string]int{}
	for _, v := range values {
		rivals[v.column]++
		equals[v.column+" "+v.raw]++ // one discard stands for all equal values of a column
	}
	for _, v := range values {
		stored, ok := row[v.column]
		kept := ok && v.isKept(types[v.column], stored)
		switch discarded := discards[v.column+" "+v.raw] > 0; {
		case !kept && !discarded:
			return fmt.Sprintf("%s is neither in column %s (%s %q) nor in the discards %v", v.raw, v.column, types[v.column], stored, discards)
		case discarded && ok && rivals[v.column] == 1:
			return fmt.Sprintf("%s is discarded, but column %s has %q", v.raw, v.column, stored)
		}
	}
	for d, n := range discards {
		if n > equals[d] {
			return fmt.Sprintf("discard %q comes from nowhere", d)
		}
	}
	for c := range row {
		if rivals[c] == 0 && !schema.IsStandardColumn(c) {
			return fmt.Sprintf("column %s comes from nowhere", c)
		}
	}
	return ""
}

// isKept reports whether the stored value is the one that was sent.
func (v sent) isKept(typ, stored string) bool {
	switch typ {
	case "text":
		return !v.bad && stored == v.text
	case "boolean":
		return v.text == map[string]string{"t": "true", "f": "false"}[stored]
	case "timestamptz":
		at, err := time.Parse(time.RFC3339Nano, strings.ToUpper(v.text))
		return v.quoted && err == nil && at.UTC().Truncate(time.Microsecond).Format("2006-01-02 15:04:05.999999+00") == stored
	}
	if strings.HasPrefix(v.text, "[") || v.text == "true" || v.text == "false" {
		return false
	}
	if f, err := strconv.ParseFloat(v.text, 64); typ == "double precision" && strings.ContainsAny(v.text, ".eE") {
		got, _ := strconv.ParseFloat(stored, 64)
		return err == nil && strconv.FormatFloat(f, 'g', -1, 64) == strconv.FormatFloat(got, 'g', -1, 64)
	}
	want, ok1 := new(big.Rat).SetString(v.text)
	if ok1 && want.Sign() == 0 && v.text[0] == '-' && strings.ContainsAny(v.text, ".eE") {
		return false // only a double has -0.0
	}
	got, ok2 := new(big.Rat).SetString(stored)
	if typ == "double precision" { // the shortest text of a double is not its value
		f, _ := strconv.ParseFloat(stored, 64)
		got, ok2 = new(big.Rat).SetFloat64(f), true
	}
	return ok1 && ok2 && got != nil && want.Cmp(got) == 0
}

// keys collide with each other after folding, are empty after it, or begin alike.
var keys = []string{"a", "A", "aB", "a b", "a_b", "b", "c", "xmin", "日本", "", "v1", strings.Repeat("long", 20), "tab\t", `"`}

// drawObject draws an object and adds its values, with their columns, to out.
func drawObject(r *rapid.T, depth int, path []string, out *[]sent) string {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, 6, rapid.ID[string]).Draw(r, "keys")
	parts := make([]string, len(names))
	for i, name := range names {
		quoted, _ := json.Marshal(name)
		parts[i] = string(quoted) + ":" + drawValue(r, depth, append(path[:len(path):len(path)], name), out)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func drawValue(r *rapid.T, depth int, path []string, out *[]sent) string {
	v := sent{}
	switch kind := rapid.IntRange(0, 9).Draw(r, "kind"); {
	case kind == 0:
		return "null"
	case kind == 1 && depth < 3:
		return drawObject(r, depth+1, path, out)
	case kind <= 2:
		v.raw = rapid.SampledFrom([]string{"true", "false"}).Draw(r, "bool")
	case kind <= 6:
		v.raw = drawNumber(r)
	case kind == 7:
		v.raw = "[" + drawNumber(r) + `, "x\u0000", null]`
	default:
		v = drawString(r)
	}
	if !v.quoted {
		v.text = v.raw
	}
	v.column = schema.ColumnName(path...)
	*out = append(*out, v)
	return v.raw
}

func drawNumber(r *rapid.T) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"0", "-0", "-0.0", "0.0", "1", "1.0", "2.5", "9007199254740992", "9007199254740993", "-9007199254740993",
			"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e400", "-1e400",
			"5e-324", "1e-400", "1e18", "1E+19", "0e-9999", "0.1", "1e38", "99999999999999999999999999999999999999",
			"100000000000000000000000000000000000000", "0.00000000000000000000000000000000000000001",
		}),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,41})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`),
	).Draw(r, "number")
}

func drawString(r *rapid.T) sent {
	if rapid.IntRange(0, 9).Draw(r, "bad") == 0 {
		raw := rapid.SampledFrom([]string{`"\u0000"`, `"a\ud800"`, `"\udc00b"`, `"\ud83d\ud83d\ude00"`}).Draw(r, "bad string")
		return sent{raw: raw, bad: true, quoted: true}
	}
	text := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "") }),
		rapid.SampledFrom([]string{
			"", "true", "false", "True", "2026-01-15T10:00:00Z", "2026-01-15t10:00:00.1234569+05:30", "2026-01-15T10:00:00",
			"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-02-30T10:00:00Z", "03", " 1", "1e3", "-0.0", "$D_1", "[1]",
		}),
		rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,20})?`),
	).Draw(r, "string")
	raw, _ := json.Marshal(text)
	return sent{raw: string(raw), text: text, quoted: true}
}
