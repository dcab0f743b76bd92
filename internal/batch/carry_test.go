package batch_test

import (
	"fmt"
	"testing"

	"github.com/tapline/tapline/internal/batch"
)

// addTo makes a row of an event of the given name.
func (s *source) addTo(c *batch.Chunk, event string, id int, properties string) {
	s.t.Helper()
	line := fmt.Sprintf(`{"type":"track","event":%q,"userId":"u","messageId":"m%d","properties":%s}`, event, id, properties)
	if !s.dec.Line([]byte(line), &s.ev) || s.ev.Reason != "" {
		s.t.Fatalf("decode %s: %s", line, s.ev.Reason)
	}
	if reason := s.state.Row(&s.ev, 0, &s.row); reason != "" {
		s.t.Fatalf("row of %s: %s", line, reason)
	}
	c.Add(&s.row)
}

func rowsOf(c *batch.Chunk) map[string]int {
	rows := map[string]int{}
	for _, t := range c.Tables() {
		rows[t.Name] = t.Rows
	}
	return rows
}

// TestCarry fills two chunks in turns with a table of many rows, one of few, and one of few with a discard: the largest
// and those with discards are copied at once, the others when they are larger, and no row is lost.
func TestCarry(t *testing.T) {
	s := newSource(t)
	const limit = 64 << 10
	now, next := batch.NewChunk(limit), batch.NewChunk(limit)
	copied := map[string]int{}
	carried := 0
	const turns = 12
	sent := map[string]int{}
	for turn := range turns {
		for i := 0; !now.Full(); i++ {
			s.addTo(now, "Many", turn*100_000+i, `{"a":"0123456789"}`)
			sent["many"]++
			if i%10 == 0 {
				s.addTo(now, "Few", turn*100_000+i, `{"b":1}`)
				sent["few"]++
			}
			if i == 5 {
				s.addTo(now, "Discarding", turn, `{"c":"\u0000"}`)
				sent["discarding"]++
			}
		}
		before, size := rowsOf(now), now.Size()
		next.Reset()
		now.Carry(next)
		if stay := rowsOf(now); stay["discarding"] != 1 || stay["many"]+stay["few"] == 0 {
			t.Fatalf("turn %d: %v of %v rows stayed", turn, rowsOf(now), before)
		}
		for name, moved := range rowsOf(next) {
			carried++
			if moved != before[name] {
				t.Fatalf("turn %d: %d rows of %s carried, of %d", turn, moved, name, before[name])
			}
		}
		if now.Size() >= size && len(next.Tables()) > 0 {
			t.Errorf("turn %d: size %d before, %d after", turn, size, now.Size())
		}
		for name, n := range rowsOf(now) {
			copied[name] += n
		}
		now, next = next, now
	}
	for name, n := range rowsOf(now) {
		copied[name] += n
	}
	if fmt.Sprint(copied) != fmt.Sprint(sent) {
		t.Errorf("copied %v, want %v", copied, sent)
	}
	if carried < turns/3 {
		t.Errorf("carried %d times", carried)
	}
}

// TestCarryLeavesRoom has more columns in tables without rows than half the limit: what is carried must leave room for
// new rows, or the same ones would be carried for ever.
func TestCarryLeavesRoom(t *testing.T) {
	s := newSource(t)
	const limit = 48 << 10
	now, next := batch.NewChunk(limit), batch.NewChunk(limit)
	for turn := range 50 {
		rows := 0
		for ; !now.Full(); rows++ {
			s.addTo(now, fmt.Sprint("Event ", (turn+rows)%12), turn*1000+rows, `{"a":1,"b":2,"c":3,"d":4,"e":5}`)
		}
		if rows == 0 {
			t.Fatalf("turn %d: there was no room for a row", turn)
		}
		next.Reset()
		now.Carry(next)
		if now.Empty() {
			t.Fatalf("turn %d: nothing to copy", turn)
		}
		now, next = next, now
	}
}
