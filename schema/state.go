package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of one source (rule 12).
const (
	DefaultMaxColumns = 500   // columns of a table beside the standard ones
	DefaultMaxTables  = 1_000 // event tables of a source
)

// Widener answers for what only the database knows: whether the bigint column of a table that exists can become double
// precision or numeric (rule 11), and which of the two its stored values need. ok is false if it must stay.
type Widener interface {
	Widen(table, column string) (to Type, ok bool)
}

// Filter chooses what is loaded. The zero Filter chooses everything.
type Filter interface {
	// Event reports whether events of that name, in that table, are loaded.
	Event(name, table string) bool
	// Property reports whether the property of that path is loaded.
	Property(table string, p *Path) bool
}

// Options of a State. The zero value means: tables and columns are added as they come, default limits, no widening.
type Options struct {
	// Managed says that nobody but CI changes the schema: what has no table goes to quarantine (unknown_table), what
	// has no column to discards (unknown_column).
	Managed bool
	// MaxColumns defaults to DefaultMaxColumns, MaxTables to DefaultMaxTables.
	MaxColumns, MaxTables int
	// Widener defaults to none: columns that exist keep their type.
	Widener Widener
	// Filter defaults to everything.
	Filter Filter
}

// State is what a loader knows of a source's tables: those in the database and those its events still need. Row turns
// an event into a row of them. A State belongs to one goroutine.
type State struct {
	opts   Options
	tables map[string]*TableState
	events map[string]*TableState // by event name as sent; bounded by maxEventNames
	calls  [Alias + 1]*TableState

	serial   uint64 // of the current row
	bound    []*ColumnState
	losers   []int32
	reserved ColumnState
	limited  ColumnState
	unknown  ColumnState
	ignored  ColumnState
	filtered TableState         // of all events that the user leaves out
	blocked  map[[2]string]bool // columns that had to stay bigint
	outdated bool               // rows made since Begin would be others now
}

// maxEventNames bounds the cache of event names: many spellings can share a table.
const maxEventNames = 10_000

// TableState is one table as the loader knows it. Exported fields are read-only for others.
type TableState struct {
	Name    string
	Event   string // the event's name as first sent, for track tables
	Index   int    // counts the State's tables from 0
	Columns []*ColumnState

	name    []byte // Name, as the event column's value
	exists  bool   // in the database
	ignored bool   // State.filtered alone
	extra   int    // columns beside the standard ones
	std     standard
	byName  map[string]*ColumnState
	pages   []*bindings
	mirror  *TableState     // users of identifies, accounts of groups
	fixed   map[string]bool // the catalogue's columns; nil until somebody asks
	crowded bool            // since Begin there was a row that may not fit a page
}

// standard are the columns the envelope fills; nil where a table has none.
type standard struct {
	id, receivedAt, anonymousID, event, eventText, originalTimestamp, sentAt, timestamp, userID *ColumnState

	groupID, previousID, category, pageName *ColumnState
}

// ColumnState is one column as the loader knows it. Exported fields are read-only for others. There may be 250,000 of them:
// the small fields stand together, which keeps one within 80 bytes.
type ColumnState struct {
	Name  string
	Path  []string
	Index int // in TableState.Columns

	serial uint64 // the last row that met the column, and which leaf it took
	maxAbs uint64
	winner int32
	place  int32 // counts the columns of the table in the database from 1; 0 if it is not there yet

	Type    Type
	stored  Type // the type in the database; Unknown if it is not there yet
	role    role
	array   bool // the first value was an array
	refused bool // a value was refused that a wider type would have taken: since Begin, or before there was a column
}

// role is what becomes of the values bound to a column.
type role uint8

const (
	roleColumn   role = iota // a column of the table
	roleGhost                // a column that no storable value has asked for yet
	roleReserved             // rule 7
	roleLimited              // rule 12
	roleUnknown              // rule 17, managed mode
	roleIgnored              // filtered out by the user
)

// bindings caches the columns of 64 paths.
type bindings [64]*ColumnState

// NewState returns the state of a source whose schema holds have.
func NewState(have Tables, o Options) *State {
	if o.MaxColumns <= 0 {
		o.MaxColumns = DefaultMaxColumns
	}
	if o.MaxTables <= 0 {
		o.MaxTables = DefaultMaxTables
	}
	s := &State{
		opts: o, tables: map[string]*TableState{}, events: map[string]*TableState{}, blocked: map[[2]string]bool{},
		reserved: ColumnState{role: roleReserved}, limited: ColumnState{role: roleLimited},
		unknown: ColumnState{role: roleUnknown}, ignored: ColumnState{role: roleIgnored},
		filtered: TableState{ignored: true},
	}
	s.Sync(have)
	return s
}

// Sync takes over what the database has now. It returns false if the database contradicts what rows were made of: a
// column has another type than they were given. They must then be made anew.
func (s *State) Sync(have Tables) (consistent bool) {
	consistent = true
	for name, t := range have {
		if IsInternal(name) || t.View {
			continue
		}
		ts := s.tables[name]
		if ts == nil {
			ts = s.newTable(name, t.Event)
		}
		ts.exists = true
		for i := range t.Columns {
			consistent = ts.syncColumn(&t.Columns[i], i+1) && consistent
		}
	}
	for name, ts := range s.tables {
		if have[name] == nil {
			ts.exists = false
			for _, c := range ts.Columns {
				c.stored, c.place = Unknown, 0
			}
		}
	}
	s.link()
	return consistent
}

func (t *TableState) syncColumn(c *Column, place int) (consistent bool) {
	cs := t.byName[c.Name]
	if cs == nil {
		cs = t.addColumn(c.Name, c.Type)
		cs.Path = c.Path
	}
	if cs.role == roleGhost {
		t.adopt(cs, c.Type)
	}
	consistent = cs.Type == c.Type
	cs.Type, cs.stored, cs.place = c.Type, c.Type, int32(place)
	return consistent
}

// Stored records that the database now has everything that Pending asked for.
func (s *State) Stored() {
	for _, t := range s.tables {
		t.exists = true
		for _, c := range t.Columns {
			c.stored = c.Type
		}
	}
}

// Pending is what the database lacks for the rows made so far.
func (s *State) Pending() Diff {
	var d Diff
	for _, name := range s.names() {
		t := s.tables[name]
		if !t.exists {
			d.Tables = append(d.Tables, t.definition())
			continue
		}
		for _, c := range t.Columns {
			switch {
			case c.stored == c.Type:
			case c.stored == Unknown:
				d.Columns = append(d.Columns, Added{name, Column{Name: c.Name, Type: c.Type, Path: c.Path, Array: c.array}})
			default:
				d.Widen = append(d.Widen, Widens{name, c.Name, c.stored, c.Type})
			}
		}
	}
	return d
}

// HasPending reports whether Pending would be other than empty. It costs a look at every column.
func (s *State) HasPending() bool {
	for _, t := range s.tables {
		if !t.exists {
			return true
		}
		for _, c := range t.Columns {
			if c.stored != c.Type {
				return true
			}
		}
	}
	return false
}

// Blocked returns the columns, as table and column, that had to stay bigint although a number with a fraction came:
// those that the Widener refused, and in managed mode all.
func (s *State) Blocked() [][2]string {
	var out [][2]string
	for k := range s.blocked {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	return out
}

func (s *State) names() []string {
	names := make([]string, 0, len(s.tables))
	for name := range s.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// definition is the table as it is to be created: standard columns in Segment's order, the rest by name (rule 1).
func (t *TableState) definition() Table {
	d := Table{Name: t.Name, Event: t.Event}
	for _, c := range t.Columns {
		if c.Type != Unknown {
			d.Columns = append(d.Columns, Column{Name: c.Name, Type: c.Type, Path: c.Path, Array: c.array})
		}
	}
	slices.SortFunc(d.Columns, func(a, b Column) int { return compareColumns(a.Name, b.Name) })
	return d
}

// newTable starts a table with its standard columns.
func (s *State) newTable(name, event string) *TableState {
	t := &TableState{Name: name, Event: event, Index: len(s.tables), name: []byte(name), byName: map[string]*ColumnState{}}
	for _, c := range StandardColumnsOf(name) {
		t.addColumn(c.Name, c.Type)
	}
	t.extra = 0
	t.std = standard{
		id: t.byName["id"], receivedAt: t.byName["received_at"], anonymousID: t.byName["anonymous_id"],
		event: t.byName["event"], eventText: t.byName["event_text"],
		originalTimestamp: t.byName["original_timestamp"], sentAt: t.byName["sent_at"],
		timestamp: t.byName["timestamp"], userID: t.byName["user_id"],
		groupID: t.byName["group_id"], previousID: t.byName["previous_id"],
		category: t.byName["category"], pageName: t.byName["name"],
	}
	s.tables[name] = t
	s.link()
	return t
}

// link keeps users beside identifies and accounts beside groups: a column of the one is a column of the other.
func (s *State) link() {
	for from, to := range map[string]string{TableIdentifies: TableUsers, TableGroups: TableAccounts} {
		f := s.tables[from]
		if f == nil || f.mirror != nil {
			continue
		}
		if s.tables[to] == nil {
			s.newTable(to, "")
		}
		f.mirror = s.tables[to]
		for _, c := range f.Columns {
			f.mirrorColumn(c)
		}
	}
}

func (t *TableState) mirrorColumn(c *ColumnState) {
	m := t.mirror
	if m == nil || IsStandardColumn(c.Name) || c == t.std.groupID || m.byName[c.Name] != nil {
		return
	}
	m.addColumn(c.Name, c.Type).Path = c.Path
}

func (t *TableState) addColumn(name string, typ Type) *ColumnState {
	c := &ColumnState{Name: name, role: roleGhost}
	t.byName[name] = c
	t.adopt(c, typ)
	return c
}

// adopt makes a column of the table out of c.
func (t *TableState) adopt(c *ColumnState, typ Type) {
	c.role, c.Type, c.Index = roleColumn, typ, len(t.Columns)
	t.Columns = append(t.Columns, c)
	if !IsStandardColumn(c.Name) {
		t.extra++
	}
	t.mirrorColumn(c)
}

// table finds the table of an event, or makes it, unless the user leaves the event out.
func (s *State) table(ev *Event) (*TableState, Reason) {
	if ev.Call != Track {
		t := s.calls[ev.Call]
		if t == nil {
			var reason Reason
			if t, reason = s.tableNamed(callTable(ev.Call), ""); reason != "" {
				return nil, reason
			}
			s.calls[ev.Call] = t
		}
		return t, ""
	}
	if t := s.events[string(ev.Name)]; t != nil {
		return t, ""
	}
	name := string(ev.Name)
	t, reason := s.tableNamed(TableOf(ev), name)
	if reason == "" && len(s.events) < maxEventNames {
		s.events[name] = t
	}
	return t, reason
}

func (s *State) tableNamed(name, event string) (*TableState, Reason) {
	if s.opts.Filter != nil && !s.opts.Filter.Event(event, name) {
		return &s.filtered, ""
	}
	if t := s.tables[name]; t != nil {
		return t, ""
	}
	if s.opts.Managed {
		return nil, UnknownTable
	}
	if len(s.tables) >= s.opts.MaxTables {
		return nil, TableLimit
	}
	return s.newTable(name, event), ""
}

func callTable(c Call) string {
	switch c {
	case Identify:
		return TableIdentifies
	case Page:
		return TablePages
	case Screen:
		return TableScreens
	case Group:
		return TableGroups
	case Alias:
		return TableAliases
	}
	panic(fmt.Sprintf("schema: call %d has no table", c))
}
