package admin

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/latest"
	"github.com/tapline/tapline/schema"
)

// unreplay makes wait again what the load had replayed: records, whose rows go with all others of the load, and values, which
// are taken out of rows that stay.
func (u *undoing) unreplay() (err error) {
	if u.out.Requeued, err = u.requeue("_quarantine"); err != nil {
		return err
	}
	rows, err := u.tx.Query(u.ctx, "select distinct table_name, column_name from "+ident(u.schema, "_discards")+
		" where replay_load = $1 and column_name is not null order by table_name, column_name", u.load.ID)
	if err != nil {
		return fmt.Errorf("look for replayed values: %w", err)
	}
	type place struct{ Table, Column string }
	places, err := pgx.CollectRows(rows, pgx.RowToStructByPos[place])
	if err != nil {
		return fmt.Errorf("look for replayed values: %w", err)
	}
	for _, p := range places {
		if err := u.empty(p.Table, p.Column); err != nil {
			return fmt.Errorf("take values out of %s.%s: %w", p.Table, p.Column, err)
		}
	}
	u.out.Emptied, err = u.requeue("_discards")
	return err
}

func (u *undoing) requeue(table string) (int64, error) {
	tag, err := u.tx.Exec(u.ctx, "update "+ident(u.schema, table)+" set replayed_at = null, replay_load = null where replay_load = $1", u.load.ID)
	if err != nil {
		return 0, fmt.Errorf("make rows of %s wait again: %w", table, err)
	}
	return tag.RowsAffected(), nil
}

// empty takes the values that the load put into a column out again. A row of users or accounts that it made stays: the calls
// it is made of do.
func (u *undoing) empty(table, column string) error {
	t := u.tables[table]
	if t == nil || t.Column(column) == nil || table == schema.TableUsers || table == schema.TableAccounts {
		return nil
	}
	const filled = ` in (select row_id from %s where replay_load = $1 and table_name = $2 and column_name = $3)`
	where := `"id"` + fmt.Sprintf(filled, ident(u.schema, "_discards"))
	for _, l := range latest.Tables() {
		if l.Calls != table || u.tables[l.Name] == nil {
			continue
		}
		rows, err := u.tx.Query(u.ctx, "select distinct "+ident(l.Key)+" from "+ident(u.schema, table)+
			" where octet_length("+ident(l.Key)+") <= "+fmt.Sprint(latest.MaxKey)+" and "+where, u.load.ID, table, column)
		if err != nil {
			return err
		}
		keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		u.keys[l] = append(u.keys[l], keys...)
	}
	in := []string{table}
	tracks := u.tables[schema.TableTracks]
	if tracks != nil && !tracks.View && tracks.Column(column) != nil && t.Column("event_text") != nil && strings.HasPrefix(column, "context_") {
		in = append(in, schema.TableTracks)
	}
	for _, name := range in {
		_, err := u.tx.Exec(u.ctx, "update "+ident(u.schema, name)+" set "+ident(column)+" = null where "+where, u.load.ID, table, column)
		if err != nil {
			return err
		}
	}
	return nil
}
