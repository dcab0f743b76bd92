package schema

import (
	"bytes"
	"slices"
)

// Cell is one value of a row, in its column's type. A Cell of a Text or Numeric column has its text in Bytes, borrowed
// from the event; others have Int: the integer, the microseconds, 0 or 1, or the bits of the double.
type Cell struct {
	Column *ColumnState
	Int    int64
	Bytes  []byte
	leaf   int32 // which leaf it came from; envelope otherwise
}

// envelope marks cells that no leaf filled.
const envelope = -1

// Row is one row of a table, made of an event. Its slices are borrowed from the State and the event until the next Row.
type Row struct {
	Table    *TableState
	ID       []byte
	Received Micros // the row's received_at
	Cells    []Cell
	Discards []Discard
	// Ignored says that the user's filter leaves the event out: it is neither loaded nor quarantined, and Table is no
	// table.
	Ignored bool
}

// Row makes the row of a good event. The Reason is empty, or why the event goes to quarantine instead (table_limit,
// unknown_table). received is the instant the event arrived if it does not say so itself.
func (s *State) Row(ev *Event, received Micros, r *Row) Reason {
	t, reason := s.table(ev)
	if reason != "" {
		return reason
	}
	if ev.ReceivedAt != NoTime {
		received = ev.ReceivedAt
	}
	r.Table, r.ID, r.Received, r.Ignored = t, ev.ID, received, t.ignored
	r.Cells, r.Discards = r.Cells[:0], append(r.Discards[:0], ev.Discards...)
	if t.ignored {
		return ""
	}
	if len(t.byName)-len(t.Columns) > s.opts.MaxColumns {
		t.forgetGhosts()
	}
	s.serial++
	s.bound, s.losers = s.bound[:0], s.losers[:0]
	t.envelope(ev, received, r, s.serial)
	for i := range ev.Context {
		s.bind(t, ev, &ev.Context[i], int32(i), r)
	}
	for i := range ev.Properties {
		s.bind(t, ev, &ev.Properties[i], int32(len(ev.Context)+i), r)
	}
	s.collisions(ev, r)
	for i, c := range s.bound {
		if c != nil {
			s.fill(t, c, leafAt(ev, int32(i)), int32(i), r)
		}
	}
	if len(r.Cells)*24 > maxRowSize {
		t.crowded = true
		s.shrink(ev, r)
	}
	return ""
}

func leafAt(ev *Event, i int32) *Leaf {
	if int(i) < len(ev.Context) {
		return &ev.Context[i]
	}
	return &ev.Properties[int(i)-len(ev.Context)]
}

// envelope fills the standard columns.
func (t *TableState) envelope(ev *Event, received Micros, r *Row, serial uint64) {
	timestamp := ev.Timestamp
	if timestamp == NoTime {
		timestamp = received
	}
	text := func(c *ColumnState, v []byte) {
		if v != nil && c != nil {
			r.Cells = append(r.Cells, Cell{Column: c, Bytes: v, leaf: envelope})
			c.serial, c.winner = serial, envelope
		}
	}
	instant := func(c *ColumnState, v Micros) {
		if v != NoTime && c != nil {
			r.Cells = append(r.Cells, Cell{Column: c, Int: int64(v), leaf: envelope})
		}
	}
	text(t.std.id, ev.ID)
	instant(t.std.receivedAt, received)
	text(t.std.anonymousID, ev.AnonymousID)
	text(t.std.userID, ev.UserID)
	instant(t.std.originalTimestamp, ev.OriginalTimestamp)
	instant(t.std.sentAt, ev.SentAt)
	instant(t.std.timestamp, timestamp)
	if ev.Call == Track {
		text(t.std.event, t.name)
		text(t.std.eventText, ev.Name)
		return
	}
	text(t.std.groupID, ev.GroupID)
	text(t.std.previousID, ev.PreviousID)
	text(t.std.pageName, ev.PageName)
	text(t.std.category, ev.Category)
}

// bind finds the column of a leaf and settles which of several leaves gets it (rule 8). bound[i] is then the column
// that leaf i fills, or nil.
func (s *State) bind(t *TableState, ev *Event, l *Leaf, i int32, r *Row) {
	c := s.column(t, l.Path)
	switch c.role {
	case roleReserved:
		r.Discards = append(r.Discards, Discard{Column: l.Path.Column, Raw: l.Raw, Reason: ReservedColumn})
		c = nil
	case roleLimited:
		r.Discards = append(r.Discards, Discard{l.Path.Column, l.Raw, ColumnLimit, l.Path})
		c = nil
	case roleUnknown:
		r.Discards = append(r.Discards, Discard{l.Path.Column, l.Raw, UnknownColumn, l.Path})
		c = nil
	case roleIgnored:
		c = nil
	default:
		if c.serial != s.serial {
			c.serial, c.winner = s.serial, i
			break
		}
		loser := i
		if c.winner != envelope && l.Path.Exact && !leafAt(ev, c.winner).Path.Exact {
			loser = c.winner
			c.winner = i
			s.bound[loser] = nil
		} else {
			s.bound = append(s.bound, nil)
			s.losers = append(s.losers, loser)
			return
		}
		s.losers = append(s.losers, loser)
	}
	s.bound = append(s.bound, c)
}

// collisions sends the losers whose value differs from the winner's to discards.
func (s *State) collisions(ev *Event, r *Row) {
	if len(s.losers) == 0 {
		return
	}
	slices.Sort(s.losers)
	for _, i := range s.losers {
		l := leafAt(ev, i)
		c := s.column(r.Table, l.Path)
		if c.winner == envelope && l.Kind == String && l.Bad == "" && bytes.Equal(l.Text, r.text(c)) {
			continue
		}
		if c.winner != envelope && sameValue(l, leafAt(ev, c.winner)) {
			continue
		}
		r.Discards = append(r.Discards, Discard{Column: c.Name, Raw: l.Raw, Reason: ColumnNameCollision})
	}
}

// text returns the text of the cell that the envelope put into c.
func (r *Row) text(c *ColumnState) []byte {
	for i := range r.Cells {
		if r.Cells[i].Column == c {
			return r.Cells[i].Bytes
		}
	}
	return nil
}

func sameValue(a, b *Leaf) bool {
	if a.Kind != b.Kind {
		return false
	}
	if a.Kind == String && a.Bad == "" && b.Bad == "" {
		return bytes.Equal(a.Text, b.Text)
	}
	return bytes.Equal(a.Raw, b.Raw)
}

// column returns the column of a path in t, or one of the State's marks that say why there is none.
func (s *State) column(t *TableState, p *Path) *ColumnState {
	page, slot := int(p.id>>6), p.id&63
	if page < len(t.pages) && t.pages[page] != nil {
		if c := t.pages[page][slot]; c != nil {
			return c
		}
	}
	c := s.lookup(t, p)
	// A table at its limit has no room for new columns, but existing ones may still turn up: never cache the limit.
	if p.Interned() && c.role != roleLimited {
		t.cache(page, slot, c)
	}
	return c
}

func (t *TableState) cache(page int, slot uint32, c *ColumnState) {
	if page >= len(t.pages) {
		t.pages = append(t.pages, make([]*bindings, page+1-len(t.pages))...)
	}
	if t.pages[page] == nil {
		t.pages[page] = new(bindings)
	}
	t.pages[page][slot] = c
}

func (s *State) lookup(t *TableState, p *Path) *ColumnState {
	if s.opts.Filter != nil && p.Section == SectionProperty && !s.opts.Filter.Property(t.Name, p) {
		return &s.ignored
	}
	if p.Reserved {
		return &s.reserved
	}
	if c := t.byName[p.Column]; c != nil {
		return c
	}
	if s.opts.Managed {
		return &s.unknown
	}
	if t.extra >= s.opts.MaxColumns {
		return &s.limited
	}
	c := &ColumnState{Name: p.Column, role: roleGhost, Path: PlaceOf(p)}
	t.byName[p.Column] = c
	return c
}

// forgetGhosts bounds the memory for columns that no storable value ever asked for. They do not count as columns of the
// table: their number says nothing about its room.
func (t *TableState) forgetGhosts() {
	for name, c := range t.byName {
		if c.role == roleGhost {
			delete(t.byName, name)
		}
	}
	t.pages = nil
}

// fill converts a leaf to its column's type and adds the cell, or says in the discards why not.
func (s *State) fill(t *TableState, c *ColumnState, l *Leaf, i int32, r *Row) {
	cell := Cell{Column: c, leaf: i}
	if c.role == roleGhost {
		typ, reason := firstType(l)
		c.refused = c.refused || reason != "" && convert(l, Text, &cell) == ""
		if reason == "" && t.extra >= s.opts.MaxColumns {
			reason = ColumnLimit
		}
		if reason != "" {
			r.Discards = append(r.Discards, Discard{c.Name, l.Raw, reason, l.Path})
			return
		}
		t.adopt(c, typ)
		c.array = l.Kind == Array
		s.outdated = s.outdated || c.refused && typ == Text
		c.refused = false
	}
	reason := convert(l, c.Type, &cell)
	if reason == needsWider {
		reason = TypeMismatch
		if !t.isFixed(c) && s.widen(t, c) {
			reason = convert(l, c.Type, &cell)
		}
	}
	if reason != "" {
		c.refused = c.refused || reason == TypeMismatch && c.Type == Bigint && fitsWider(l)
		r.Discards = append(r.Discards, Discard{Column: c.Name, Raw: l.Raw, Reason: reason})
		return
	}
	if c.Type == Bigint {
		c.maxAbs = max(c.maxAbs, magnitude(cell.Int))
	}
	r.Cells = append(r.Cells, cell)
}
