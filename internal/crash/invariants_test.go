package crash_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// must is a query that says what is wrong: it returns one number that is 0 if nothing is.
type must struct{ what, sql string }

// invariants hold in a schema that no loader is working on. What is said of _loads is said of finished loads.
var invariants = []must{
	{"units without their load", `select count(*) from crash_test._units u where not exists (select from crash_test._loads l
		where l.load = u.load and l.unit_key = u.unit_key and l.status = 'finished')`},
	{"loads without their unit", `select count(*) from crash_test._loads l where l.status = 'finished' and not exists
		(select from crash_test._units u where u.load = l.load and u.unit_key = l.unit_key)`},
	{"units loaded more than once", `select count(*) from (select unit_key from crash_test._loads
		where status = 'finished' group by 1 having count(*) > 1) as twice`},
	{"failed loads", `select count(*) from crash_test._loads where status <> 'finished'`},
	{"gaps or repeats in seq", `select count(*) from (select seq, row_number() over (order by seq) as n
		from crash_test._loads where status = 'finished') as s where seq is distinct from n`},
	{"quarantined records that loads do not count", `select (select count(*) from crash_test._quarantine) -
		(select coalesce(sum(quarantined), 0) from crash_test._loads where status = 'finished')`},
	{"discards that loads do not count", `select (select count(*) from crash_test._discards) -
		(select coalesce(sum(discarded), 0) from crash_test._loads where status = 'finished')`},
	{"discards of no load", `select count(*) from crash_test._discards d where not exists
		(select from crash_test._loads l where l.load = d.load and l.uuid_ts = d.uuid_ts)`},
	{"quarantined records of no load", `select count(*) from crash_test._quarantine q where not exists
		(select from crash_test._loads l where l.load = q.load and l.uuid_ts = q.uuid_ts)`},
	{"dirty or missing version of the schema", `select abs(count(*) - 1) + count(*) filter (where dirty or version <>
		(select max(version) from crash_test._migration_files)) from crash_test._migrations`},
	{"migrations that are not applied", `select count(*) from crash_test._migration_files where applied_at is null`},
	{"columns missing in the data dictionary, or too many there", `select count(*) from (select table_name, column_name
		from crash_test._columns) as d full join (select table_name::text, column_name::text from information_schema.columns
		where table_schema = 'crash_test' and table_name in (select table_name from crash_test._columns) and
		column_name not in ('id', 'received_at', 'uuid_ts')) as c using (table_name, column_name)
		where c.* is null and d.column_name not in ('id', 'received_at', 'uuid_ts') or d.* is null`},
	{"transactions left open", `select count(*) from pg_stat_activity where pid <> pg_backend_pid() and
		datname = current_database() and state like 'idle in transaction%'`},
	{"prepared transactions", `select count(*) from pg_prepared_xacts`},
	{"advisory locks left", `select count(*) from pg_locks where locktype = 'advisory' and
		database = (select oid from pg_database where datname = current_database())`},
	{"temporary tables left", `select count(*) from pg_class where relpersistence = 't'`},
	{"unlogged tables", `select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'crash_test' and relpersistence = 'u'`},
}

// consistent checks that what is in the database agrees with itself.
func consistent(ctx context.Context, pool *pgxpool.Pool) error {
	var errs []error
	for _, m := range invariants {
		var n int64
		if err := pool.QueryRow(ctx, m.sql).Scan(&n); err != nil {
			errs = append(errs, fmt.Errorf("count %s: %w", m.what, err))
		} else if n != 0 {
			errs = append(errs, fmt.Errorf("%d %s", n, m.what))
		}
	}
	return errors.Join(append(errs, rowsByLoad(ctx, pool), uniqueIDs(ctx, pool), tracks(ctx, pool))...)
}

// rowsByLoad checks that each finished load has exactly the rows that it counts: their uuid_ts is its own.
func rowsByLoad(ctx context.Context, pool *pgxpool.Pool) error {
	names, err := tableNames(ctx, pool, schemaName)
	if err != nil {
		return err
	}
	var parts []string
	for _, name := range eventTables(names) {
		parts = append(parts, "select uuid_ts from "+pgx.Identifier{schemaName, name}.Sanitize())
	}
	there, err := readMap[int64](ctx, pool, "select uuid_ts::text, count(*) from ("+strings.Join(parts, " union all ")+
		") as rows group by 1")
	if err != nil {
		return fmt.Errorf("count rows by load: %w", err)
	}
	counted, err := readMap[int64](ctx, pool,
		"select uuid_ts::text, rows from crash_test._loads where status = 'finished' and rows > 0")
	if err != nil {
		return fmt.Errorf("read loads: %w", err)
	}
	if diff := cmp.Diff(counted, there); diff != "" {
		return fmt.Errorf("rows of a load are not as many as it counts (-_loads +tables):\n%s", diff)
	}
	return nil
}

// uniqueIDs checks that no id is twice in a table, whether or not it has a primary key.
func uniqueIDs(ctx context.Context, pool *pgxpool.Pool) error {
	names, err := tableNames(ctx, pool, schemaName)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range eventTables(names) {
		var n int64
		err := pool.QueryRow(ctx, "select count(*) - count(distinct id) from "+
			pgx.Identifier{schemaName, name}.Sanitize()).Scan(&n)
		if err != nil {
			errs = append(errs, fmt.Errorf("count ids of %s: %w", name, err))
		} else if n != 0 {
			errs = append(errs, fmt.Errorf("%d ids are more than once in %s", n, name))
		}
	}
	return errors.Join(errs...)
}

// tracks checks that the view of all track events has them all.
func tracks(ctx context.Context, pool *pgxpool.Pool) error {
	names, err := tableNames(ctx, pool, schemaName)
	if err != nil {
		return err
	}
	var parts []string
	for _, name := range eventTables(names) {
		switch name {
		case "identifies", "pages", "screens", "groups", "aliases":
		default:
			parts = append(parts, "(select count(*) from "+pgx.Identifier{schemaName, name}.Sanitize()+")")
		}
	}
	var view, sum int64
	err = pool.QueryRow(ctx, "select (select count(*) from crash_test.tracks), "+strings.Join(parts, " + ")).Scan(&view, &sum)
	if err != nil {
		return fmt.Errorf("count tracks: %w", err)
	}
	if view != sum {
		return fmt.Errorf("tracks shows %d rows of %d", view, sum)
	}
	return nil
}
