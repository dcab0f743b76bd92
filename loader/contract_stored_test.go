package loader_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
)

// stored is everything of a source's schema that a load writes, as text with types.
type stored struct {
	tables     map[string]storedTable
	discards   map[rowKey][]expectedDiscard
	quarantine []storedRecord
}

type rowKey struct{ table, id string }

type storedTable struct {
	columns map[string]string            // type by column
	rows    map[string]map[string]string // text by column, by id; no entry for null
}

type storedRecord struct {
	id, reason, unit, source string
	line, offset, size       int64
	raw                      []byte
}

// readStored reads a whole schema. Times are in UTC, doubles in the shortest form that has their bits.
func readStored(t *testing.T, pool *pgxpool.Pool, schemaName string) *stored {
	t.Helper()
	s := &stored{tables: map[string]storedTable{}, discards: map[rowKey][]expectedDiscard{}}
	for _, r := range pgtest.Query(t, pool, `
		select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where c.relnamespace = $1::regnamespace and c.relkind = 'r' and c.relname not like E'\\_%' or
			c.relnamespace = $1::regnamespace and c.relkind = 'r' and exists
				(select from pg_attribute e where e.attrelid = c.oid and e.attname = 'event_text')
		order by c.relname, a.attnum`, quote(schemaName)) {
		table, column, typ := r[0].(string), r[1].(string), r[2].(string)
		if s.tables[table].columns == nil {
			s.tables[table] = storedTable{map[string]string{}, map[string]map[string]string{}}
		}
		if typ == "timestamp with time zone" {
			typ = "timestamptz"
		}
		s.tables[table].columns[column] = typ
	}
	s.readRows(t, pool, schemaName)
	for _, r := range pgtest.Query(t, pool, "select table_name, row_id, column_name, raw_value, reason from "+
		quote(schemaName, "_discards")) {
		key := rowKey{r[0].(string), r[1].(string)}
		s.discards[key] = append(s.discards[key], expectedDiscard{r[2].(string), r[4].(string), r[3].(string)})
	}
	for _, r := range pgtest.Query(t, pool, "select id, reason, unit, source, line, byte_offset, raw_size, raw from "+
		quote(schemaName, "_quarantine")+" order by unit, line, byte_offset") {
		s.quarantine = append(s.quarantine, storedRecord{
			r[0].(string), r[1].(string), r[2].(string), r[3].(string),
			r[4].(int64), r[5].(int64), r[6].(int64), r[7].([]byte),
		})
	}
	return s
}

// readRows reads all event tables in one round trip. The simple protocol gives every value as Postgres's own text.
func (s *stored) readRows(t *testing.T, pool *pgxpool.Pool, schemaName string) {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	names := make([]string, 0, len(s.tables))
	sql := "set timezone = 'UTC'; set extra_float_digits = 1;"
	for name := range s.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		sql += " select * from " + quote(schemaName, name) + ";"
	}
	results, err := conn.Conn().PgConn().Exec(t.Context(), sql+" reset timezone").ReadAll()
	if err != nil {
		t.Fatalf("read tables: %v", err)
	}
	for i, name := range names {
		r := results[i+2]
		for _, cells := range r.Rows {
			row := map[string]string{}
			for n, cell := range cells {
				if cell != nil {
					row[r.FieldDescriptions[n].Name] = string(cell)
				}
			}
			s.tables[name].rows[row["id"]] = row
		}
		if len(r.Rows) != len(s.tables[name].rows) {
			t.Errorf("table %s has %d rows, but %d ids", name, len(r.Rows), len(s.tables[name].rows))
		}
	}
}

func quote(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// contents is all that analysts can see of a schema, without what tells loads apart.
func contents(t *testing.T, pool *pgxpool.Pool, schemaName string) map[string][]string {
	t.Helper()
	s := readStored(t, pool, schemaName)
	out := map[string][]string{}
	for name, table := range s.tables {
		for id, row := range table.rows {
			delete(row, "uuid_ts")
			delete(row, "received_at")
			if row["timestamp"] != "" && row["original_timestamp"] == "" {
				delete(row, "timestamp") // it is the received_at
			}
			out[name] = append(out[name], fmt.Sprint(id, row))
		}
		out[name+" columns"] = []string{fmt.Sprint(table.columns)}
		slices.Sort(out[name])
	}
	for key, d := range s.discards {
		for _, x := range d {
			out["_discards"] = append(out["_discards"], fmt.Sprint(key, x))
		}
	}
	for _, q := range s.quarantine {
		out["_quarantine"] = append(out["_quarantine"], fmt.Sprint(q.id, q.reason, q.line, q.offset, q.size, string(q.raw)))
	}
	slices.Sort(out["_discards"])
	slices.Sort(out["_quarantine"])
	return out
}
