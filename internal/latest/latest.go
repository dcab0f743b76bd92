// Package latest keeps users and accounts: the newest state of everybody that identify and group calls speak of
// (rule 19). A row is always made anew from all calls of its key that were ever loaded, so that the order of files does
// not matter and an undone load leaves no trace.
package latest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/refusal"
	"github.com/tapline/tapline/schema"
)

// MaxKey is the longest userId or groupId that has a row of its own, in bytes: a longer one might not fit into an index
// entry. The index that finds the calls of a key leaves longer ones out too.
const MaxKey = 1024

// Table is a table of newest states and the calls that it is made of.
type Table struct {
	Calls string // identifies
	Key   string // user_id
	Name  string // users
}

// Tables returns users and accounts.
func Tables() []Table {
	return []Table{
		{Calls: schema.TableIdentifies, Key: "user_id", Name: schema.TableUsers},
		{Calls: schema.TableGroups, Key: "group_id", Name: schema.TableAccounts},
	}
}

// Tx is the transaction in which the calls were changed. The caller has locked the source's loads in it, so that
// calls which others commit meanwhile are not missed.
type Tx interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Load is a load whose calls are in the transaction.
type Load struct {
	UUIDTS time.Time
	ID     uuid.UUID
}

// columnsOf are loads as the columns of a statement.
func columnsOf(loads []Load) (stamps []time.Time, ids []string) {
	for _, l := range loads {
		stamps, ids = append(stamps, l.UUIDTS), append(ids, l.ID.String())
	}
	return stamps, ids
}

// Update brings the rows of all keys up to date that loads have calls of; the rows get the uuid_ts of the last of them. It
// returns the keys whose rows Postgres refuses; these stay as they were.
func (t Table) Update(ctx context.Context, tx Tx, schemaName string, loads []Load) ([]Refused, error) {
	calls, last := ident(schemaName, t.Calls), loads[len(loads)-1].UUIDTS
	stamps, _ := columnsOf(loads)
	err := inSavepoint(ctx, tx, func() error {
		return t.insert(ctx, tx, schemaName, ident(t.Key)+" in (select "+ident(t.Key)+" from "+calls+" where uuid_ts = any($2))", last, stamps)
	})
	if !refusal.Is(err) {
		return nil, err
	}
	keys, err := t.Keys(ctx, tx, schemaName, stamps...)
	if err != nil {
		return nil, err
	}
	return t.insertKeys(ctx, tx, schemaName, keys, last)
}

// Keys returns the keys that loads, known by their uuid_ts, have calls of, those aside that are too long.
func (t Table) Keys(ctx context.Context, tx Tx, schemaName string, loads ...time.Time) ([]string, error) {
	rows, err := tx.Query(ctx, "select distinct "+ident(t.Key)+" from "+ident(schemaName, t.Calls)+
		" where uuid_ts = any($1) and octet_length("+ident(t.Key)+") <= "+fmt.Sprint(MaxKey), loads)
	if err != nil {
		return nil, fmt.Errorf("find keys of %s: %w", t.Name, err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Rebuild makes the rows of the given keys anew from the calls that are there, and removes those that have none left.
// Columns that somebody else has added keep their values, but in rows that Postgres refuses beside the old ones: these are
// made without them. It returns the keys whose new rows are refused even so; they have none then.
func (t Table) Rebuild(ctx context.Context, tx Tx, schemaName string, keys []string, now time.Time) ([]Refused, error) {
	left := " where p.id = any($1) and not exists (select from " + ident(schemaName, t.Calls) + " as c where c." + ident(t.Key) +
		" = p.id and octet_length(c." + ident(t.Key) + ") <= " + fmt.Sprint(MaxKey) + ")"
	if err := t.clear(ctx, tx, schemaName, left, keys); err != nil {
		return nil, err
	}
	refused, err := t.insertKeys(ctx, tx, schemaName, keys, now)
	if err != nil || len(refused) == 0 {
		return nil, err
	}
	keys = make([]string, len(refused))
	for i, r := range refused {
		keys[i] = r.Key
	}
	if err := t.clear(ctx, tx, schemaName, " where p.id = any($1)", keys); err != nil {
		return nil, err
	}
	return t.insertKeys(ctx, tx, schemaName, keys, now)
}

// clear removes rows of the given keys, those of the condition.
func (t Table) clear(ctx context.Context, tx Tx, schemaName, where string, keys []string) error {
	if _, err := tx.Exec(ctx, "delete from "+ident(schemaName, t.Name)+" as p"+where, keys); err != nil {
		return fmt.Errorf("clear %s: %w", t.Name, err)
	}
	return nil
}

// Refresh makes the rows of the given keys anew from the calls that are there. It returns the keys whose rows Postgres
// refuses; these stay as they were.
func (t Table) Refresh(ctx context.Context, tx Tx, schemaName string, keys []string, now time.Time) ([]Refused, error) {
	return t.insertKeys(ctx, tx, schemaName, keys, now)
}

// insert makes the rows of the keys that the condition chooses. $1 is their uuid_ts.
func (t Table) insert(ctx context.Context, tx Tx, schemaName, where string, args ...any) error {
	columns, err := t.columns(ctx, tx, schemaName)
	if err != nil {
		return err
	}
	key := ident(t.Key)
	const newest = ` order by "timestamp" desc, received_at desc, id desc)`
	var into, values, set strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&into, ", %s", ident(c))
		fmt.Fprintf(&values, ", (array_agg(%s%s filter (where %s is not null))[1]", ident(c), newest, ident(c))
		fmt.Fprintf(&set, ", %s = excluded.%s", ident(c), ident(c))
	}
	_, err = tx.Exec(ctx, "insert into "+ident(schemaName, t.Name)+" (id, received_at, uuid_ts"+into.String()+")"+
		" select "+key+", (array_agg(received_at"+newest+")[1], $1"+values.String()+
		" from "+ident(schemaName, t.Calls)+" where "+where+" and octet_length("+key+") <= "+fmt.Sprint(MaxKey)+
		" group by "+key+" order by "+key+
		" on conflict (id) do update set received_at = excluded.received_at, uuid_ts = excluded.uuid_ts"+set.String(), args...)
	if err != nil {
		return fmt.Errorf("update %s: %w", t.Name, err)
	}
	return nil
}

// columns are the columns of the table that its calls have too, with values that it can take: in a schema that somebody
// else made, their types may differ.
func (t Table) columns(ctx context.Context, tx Tx, schemaName string) ([]string, error) {
	types, err := catalog.Types(ctx, tx, schemaName, []string{t.Calls, t.Name})
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", t.Name, err)
	}
	var out []string
	for c, to := range types[t.Name] {
		from, ok := types[t.Calls][c]
		if ok && (from == to || to == schema.Text) && !schema.IsStandardColumn(c) {
			out = append(out, c)
		}
	}
	return out, nil
}

// TooLong notes in _discards the calls of loads whose key is too long for a row, and returns how many each has.
func (t Table) TooLong(ctx context.Context, tx Tx, schemaName string, loads []Load) (map[uuid.UUID]int64, error) {
	key := "c." + ident(t.Key)
	stamps, ids := columnsOf(loads)
	out, err := counted(ctx, tx, "insert into "+ident(schemaName, "_discards")+
		" (table_name, row_id, column_name, raw_value, reason, received_at, uuid_ts, load)"+
		" select $1::pg_catalog.text, c.id, 'id', to_json("+key+")::pg_catalog.text, $2::pg_catalog.text, c.received_at, c.uuid_ts, l.load from "+
		ident(schemaName, t.Calls)+" as c join unnest($3::timestamptz[], $4::uuid[]) as l(uuid_ts, load) on l.uuid_ts = c.uuid_ts"+
		" where c.uuid_ts = any($3) and octet_length("+key+") > "+fmt.Sprint(MaxKey), t.Name, string(schema.IDTooLong), stamps, ids)
	if err != nil {
		return nil, fmt.Errorf("note keys too long for %s: %w", t.Name, err)
	}
	return out, nil
}

// counted runs an insert into _discards and returns how many rows each load got.
func counted(ctx context.Context, tx Tx, insert string, args ...any) (map[uuid.UUID]int64, error) {
	rows, err := tx.Query(ctx, "with noted as ("+insert+" returning load) select load, count(*) from noted group by load", args...)
	if err != nil {
		return nil, err
	}
	out := map[uuid.UUID]int64{}
	var load uuid.UUID
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&load, &n}, func() error { out[load] = n; return nil })
	return out, err
}

func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }
