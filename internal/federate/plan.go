package federate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/schema"
)

// role is what a column is to a message.
type role uint8

const (
	property role = iota // or a trait
	contextValue
	rowID
	userID
	anonymousID
	timestamp
	eventText
	groupID
	previousID
	pageName
	category
)

// column is one column of a select list.
type column struct {
	name   string
	role   role
	path   []string // keys down to the value, as sent first
	binary bool     // asked for in Postgres's binary format
	oid    uint32   // of its type in Postgres
	array  bool     // the first value was an array: its text is JSON
	hash   bool

	expression string // of the select list
}

// table says how the rows of a table are read and what they become.
type table struct {
	name    string
	call    schema.Call
	event   string // for rows without event_text
	columns []column
	selects string // the statement up to its where clause
	time    string // SQL of the time of a row
	formats []int16
}

// tables are the tables of a source whose rows are sent, by name.
type tables struct {
	list    []table
	version string // of the schema they were read from
}

// readTables makes the plan for a source. version is of the schema's migrations: the plan is good as long as it stays.
func readTables(ctx context.Context, tx pgx.Tx, schemaName, version string, s *Settings) (*tables, error) {
	have, err := catalog.Read(ctx, tx, schemaName)
	if err != nil {
		return nil, err
	}
	types, err := readTypes(ctx, tx, schemaName)
	if err != nil {
		return nil, err
	}
	out := &tables{version: version}
	for _, name := range have.Names() {
		t := have[name]
		call, ok := callOf(t)
		if !ok || !s.wants(name, call) {
			continue
		}
		out.list = append(out.list, plan(schemaName, t, call, types, s))
	}
	return out, nil
}

// callOf returns the call that a table's rows were; false for tables that hold none, such as users, or that hold the rows
// of others, as a tracks table does.
func callOf(t *schema.Table) (schema.Call, bool) {
	if t.View || t.Column("id") == nil || t.Column("uuid_ts") == nil {
		return 0, false
	}
	switch t.Name {
	case schema.TableIdentifies:
		return schema.Identify, true
	case schema.TablePages:
		return schema.Page, true
	case schema.TableScreens:
		return schema.Screen, true
	case schema.TableGroups:
		return schema.Group, true
	case schema.TableAliases:
		return schema.Alias, true
	}
	return schema.Track, !schema.IsStandardTable(t.Name) && t.Column("event_text") != nil
}

// place is a column of a table.
type place struct{ table, column string }

// valueType is what a column's values are in Postgres, and whether the first one was an array.
type valueType struct {
	oid   uint32
	array bool
}

// readTypes returns the types of all columns. A schema of an earlier release does not know of arrays.
func readTypes(ctx context.Context, tx pgx.Tx, schemaName string) (map[place]valueType, error) {
	var knows bool
	err := tx.QueryRow(ctx, `select exists (select from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass($1)
		and attname = 'is_array' and not attisdropped)`, pgx.Identifier{schemaName, "_columns"}.Sanitize()).Scan(&knows)
	if err != nil {
		return nil, fmt.Errorf("read types of %s: %w", schemaName, err)
	}
	array := "false"
	if knows {
		array = "coalesce(d.is_array, false)"
	}
	rows, err := tx.Query(ctx, `select c.relname::text, a.attname::text, a.atttypid, `+array+`
		from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		left join `+pgx.Identifier{schemaName, "_columns"}.Sanitize()+` d on d.table_name = c.relname::text and d.column_name = a.attname::text
		where n.nspname = $1 and c.relkind in ('r', 'p')`, schemaName)
	if err != nil {
		return nil, fmt.Errorf("read types of %s: %w", schemaName, err)
	}
	out := map[place]valueType{}
	var p place
	var v valueType
	_, err = pgx.ForEachRow(rows, []any{&p.table, &p.column, &v.oid, &v.array}, func() error {
		out[p] = v
		return nil
	})
	return out, err
}

func plan(schemaName string, t *schema.Table, call schema.Call, types map[place]valueType, s *Settings) table {
	out := table{name: t.Name, call: call, event: t.Event}
	if out.event == "" {
		out.event = t.Name
	}
	out.time = "coalesce(" + times(t) + ")"
	add := func(c column, expression string) {
		c.expression = expression
		out.columns = append(out.columns, c)
	}
	add(column{name: "id", role: rowID, oid: types[place{t.Name, "id"}].oid}, `"id"`)
	add(column{name: "timestamp", role: timestamp, binary: true, oid: pgtype.TimestamptzOID}, out.time)
	for i := range t.Columns {
		c := &t.Columns[i]
		r, ok := roleOf(t.Name, c.Name)
		if !ok {
			continue
		}
		typ := types[place{t.Name, c.Name}]
		col := column{name: c.Name, role: r, binary: binaryOID(typ.oid), oid: typ.oid, array: typ.array}
		if r == property || r == contextValue {
			col.path = pathOf(c, r)
			var send bool
			if send, col.hash = s.sends(&col); !send {
				continue
			}
		}
		add(col, pgx.Identifier{c.Name}.Sanitize())
	}
	// A value that stands where others have an object comes first: see row.put. The id stays where it is.
	slices.SortStableFunc(out.columns, func(a, b column) int { return len(a.path) - len(b.path) })
	var list []string
	for i := range out.columns {
		list = append(list, out.columns[i].expression)
		format := int16(0)
		if out.columns[i].binary {
			format = 1
		}
		out.formats = append(out.formats, format)
	}
	out.selects = "select " + strings.Join(list, ", ") + " from " + pgx.Identifier{schemaName, t.Name}.Sanitize()
	return out
}

// times are the columns that say when a row happened, the best first. Infinity is no time that a message can have.
func times(t *schema.Table) string {
	var out []string
	for _, name := range []string{"timestamp", "received_at", "uuid_ts"} {
		if c := t.Column(name); c != nil && c.Type == schema.Timestamptz {
			quoted := pgx.Identifier{name}.Sanitize()
			out = append(out, "case when pg_catalog.isfinite("+quoted+") then "+quoted+" end")
		}
	}
	return strings.Join(out, ", ")
}

// roleOf returns what a column is to the messages of its table, false for one that is not sent.
func roleOf(tableName, name string) (role, bool) {
	switch name {
	case "id", "timestamp", "received_at", "uuid_ts", "event", "original_timestamp", "sent_at":
		return 0, false
	case "user_id":
		return userID, true
	case "anonymous_id":
		return anonymousID, true
	case "event_text":
		return eventText, true
	}
	switch {
	case tableName == schema.TableGroups && name == "group_id":
		return groupID, true
	case tableName == schema.TableAliases && name == "previous_id":
		return previousID, true
	case (tableName == schema.TablePages || tableName == schema.TableScreens) && name == "name":
		return pageName, true
	case (tableName == schema.TablePages || tableName == schema.TableScreens) && name == "category":
		return category, true
	case strings.HasPrefix(name, "context_"):
		return contextValue, true
	}
	return property, true
}

// pathOf returns the keys down to a column's value: as sent first, or the column's name if nobody knows.
func pathOf(c *schema.Column, r role) []string {
	path := c.Path
	if r == contextValue && len(path) > 0 && path[0] == "context" {
		path = path[1:]
	}
	switch {
	case len(path) > 0:
		return path
	case r == contextValue:
		return []string{strings.TrimPrefix(c.Name, "context_")}
	}
	return []string{c.Name}
}

// wants reports whether rows of a table are sent.
func (s *Settings) wants(tableName string, call schema.Call) bool {
	names := func(list []string) bool {
		return slices.ContainsFunc(list, func(entry string) bool {
			if call != schema.Track {
				return entry == tableName || strings.EqualFold(entry, callName(call))
			}
			return entry == tableName || schema.TableName(entry) == tableName || folded(entry) == tableName
		})
	}
	return !names(s.NotEvents) && (len(s.Events) == 0 || names(s.Events))
}

func folded(event string) string {
	canonical, ok := schema.FoldEvent([]byte(event))
	if !ok {
		return ""
	}
	return schema.TableName(canonical)
}

func callName(c schema.Call) string {
	switch c {
	case schema.Identify:
		return "identify"
	case schema.Page:
		return "page"
	case schema.Screen:
		return "screen"
	case schema.Group:
		return "group"
	case schema.Alias:
		return "alias"
	}
	return "track"
}

// sends reports whether a column is sent, and whether as its digest.
func (s *Settings) sends(c *column) (send, hash bool) {
	full := strings.Join(c.path, ".")
	if c.role == contextValue {
		full = "context." + full
	}
	names := func(list []string) bool {
		return slices.ContainsFunc(list, func(entry string) bool {
			// A key that others spell otherwise is in the same column.
			return entry == full || entry == c.name || strings.HasPrefix(full, entry+".") || columnOf(entry) == c.name
		})
	}
	if names(s.NotProperties) || c.role == property && len(s.Properties) > 0 && !names(s.Properties) {
		return false, false
	}
	return true, names(s.Hashed)
}

// columnOf returns the column of a property that is named by its keys joined with dots.
func columnOf(entry string) string { return schema.ColumnName(strings.Split(entry, ".")...) }

// jsonArray reports whether text is a JSON array.
func jsonArray(text []byte) bool {
	return len(text) > 1 && text[0] == '[' && json.Valid(text)
}
