package dictionary_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/dictionary"
	"github.com/tapline/tapline/internal/pgtest"
)

// wide makes a schema that Tapline set up and gives it n tables of m columns, as migrations would.
func wide(b *testing.B, n, m int) *pgxpool.Pool {
	b.Helper()
	pool := pgtest.Pool(b)
	load(b, pool, file(b, odd[0]))
	types := []string{"text", "bigint", "double precision", "boolean", "timestamptz"}
	for i := range n {
		columns := []string{
			`id text collate "C" primary key`, "received_at timestamptz", "uuid_ts timestamptz", "anonymous_id text", "event text", "event_text text",
			"original_timestamp timestamptz", "sent_at timestamptz", `"timestamp" timestamptz`, "user_id text",
		}
		for j := len(columns); j < m; j++ {
			columns = append(columns, fmt.Sprintf("p%d %s", j, types[j%len(types)]))
		}
		table := fmt.Sprintf("clevertap_prod.wide_%d", i)
		sql := fmt.Sprintf("create table %s (%s); create index on %s using brin (received_at); create index on %s using brin (uuid_ts); comment on table %s is 'A wide table.';",
			table, strings.Join(columns, ", "), table, table, table)
		pgtest.Exec(b, pool, sql)
	}
	pgtest.Exec(b, pool, `do $$ declare r record; begin
		for r in select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
			where c.relnamespace = 'clevertap_prod'::regnamespace and c.relname like 'wide\_%' and c.relkind = 'r' loop
			execute format('comment on column clevertap_prod.%I.%I is %L', r.relname, r.attname, 'Property ' || r.attname);
		end loop; end $$`)
	pgtest.Exec(b, pool, `insert into clevertap_prod._columns (table_name, column_name, path, type, event)
		select c.relname, a.attname, to_json(array[a.attname::text]), format_type(a.atttypid, null), c.relname
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
		where c.relnamespace = 'clevertap_prod'::regnamespace and c.relname like 'wide\_%' and c.relkind = 'r'`)
	return pool
}

// BenchmarkSchema measures show and diff on 500 tables of 100 columns, with nothing in them: the part that the catalog is.
func BenchmarkSchema(b *testing.B) {
	pool := wide(b, 500, 100)
	s := read(b, pool)
	_, repair := "", ""
	if found, _, err := dictionary.CheckTracks(b.Context(), pool, s); err != nil {
		b.Fatal(err)
	} else if len(found) > 0 {
		repair = found[len(found)-1].Repair
	}
	pgtest.Exec(b, pool, repair)
	if found := dictionary.Diff(read(b, pool), false); len(found) > 0 {
		b.Fatalf("%d findings: %+v", len(found), found[0])
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			read(b, pool)
		}
	})
	b.Run("show", func(b *testing.B) {
		for b.Loop() {
			measured(b, pool, false)
		}
	})
	b.Run("diff", func(b *testing.B) {
		for b.Loop() {
			dictionary.Diff(read(b, pool), false)
		}
	})
	b.Run("tracks", func(b *testing.B) {
		s := read(b, pool)
		for b.Loop() {
			if _, _, err := dictionary.CheckTracks(b.Context(), pool, s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
