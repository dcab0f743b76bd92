package loader

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/latest"
	"github.com/tapline/tapline/internal/refusal"
	"github.com/tapline/tapline/schema"
)

// follow brings what is made of the rows that got values up to date: a tracks table, users and accounts.
func (b *valueBatch) follow(ctx context.Context, filled map[string][]string) error {
	is, err := tracksIsTable(ctx, b.tx, b.l.cfg.Schema)
	if err != nil {
		return err
	}
	for _, table := range slices.Sorted(maps.Keys(filled)) {
		if _, track := b.types[table]["event_text"]; is && track && len(filled[table]) > 0 {
			if err := b.fillTracks(ctx, table, filled[table]); err != nil {
				return fmt.Errorf("fill tracks from %s: %w", table, err)
			}
		}
	}
	for _, t := range latest.Tables() {
		if ids := filled[t.Calls]; len(ids) > 0 {
			if err := b.refresh(ctx, t, ids); err != nil {
				return err
			}
		}
	}
	return nil
}

// fillTracks fills the context columns of tracks that are null and are not in the events' own table.
func (b *valueBatch) fillTracks(ctx context.Context, table string, ids []string) error {
	var sets, news []string
	for _, c := range common(b.types[table], b.types[schema.TableTracks]) {
		if name := strings.Trim(c, `"`); strings.HasPrefix(name, "context_") {
			sets = append(sets, fmt.Sprintf("%s = coalesce(t.%[1]s, e.%[1]s::%s)", c, b.types[schema.TableTracks][name]))
			news = append(news, fmt.Sprintf("t.%s is null and e.%[1]s is not null", c))
		}
	}
	if len(sets) == 0 {
		return nil
	}
	_, err := b.tx.Exec(ctx, "update "+ident(b.l.cfg.Schema, schema.TableTracks)+" t set "+strings.Join(sets, ", ")+
		" from "+ident(b.l.cfg.Schema, table)+" e where t.id = e.id and e.id = any($1) and ("+strings.Join(news, " or ")+")", ids)
	return err
}

// refresh makes the rows of users or accounts anew whose calls got values.
func (b *valueBatch) refresh(ctx context.Context, t latest.Table, ids []string) error {
	if err := b.l.ledger.Lock(ctx, b.tx); err != nil {
		return err
	}
	key := ident(t.Key)
	rows, err := b.tx.Query(ctx, "select distinct "+key+" from "+ident(b.l.cfg.Schema, t.Calls)+" where id = any($1) and octet_length("+key+") <= "+
		fmt.Sprint(latest.MaxKey), ids)
	if err != nil {
		return fmt.Errorf("find keys of %s: %w", t.Name, err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("find keys of %s: %w", t.Name, err)
	}
	refused, err := t.Refresh(ctx, b.tx, b.l.cfg.Schema, keys, pgTime(b.load.UUIDTS))
	if err != nil || len(refused) == 0 {
		return err
	}
	return b.noteRefused(ctx, t, ids, refused)
}

// noteRefused notes the calls that could make no row of users or accounts, unless that is noted.
func (b *valueBatch) noteRefused(ctx context.Context, t latest.Table, ids []string, refused []latest.Refused) error {
	keys, details := make([]string, len(refused)), make([]string, len(refused))
	for i, r := range refused {
		keys[i], details[i] = r.Key, refusal.Detail(r.Err)
	}
	key, discards := "c."+ident(t.Key), ident(b.l.cfg.Schema, "_discards")
	_, err := b.tx.Exec(ctx, "insert into "+discards+
		" (table_name, row_id, column_name, raw_value, reason, detail, received_at, uuid_ts, load)"+
		" select $1::pg_catalog.text, c.id, 'id', to_json("+key+")::pg_catalog.text, $2::pg_catalog.text, r.detail, c.received_at, $3::timestamptz, $4::uuid from "+
		ident(b.l.cfg.Schema, t.Calls)+" as c join unnest($5::pg_catalog.text[], $6::pg_catalog.text[]) as r(key, detail) on r.key = "+key+
		" where c.id = any($7) and not exists (select from "+discards+" d where d.table_name = $1 and d.row_id = c.id and d.reason = $2 and d.replayed_at is null)",
		t.Name, string(schema.RejectedByDatabase), pgTime(b.load.UUIDTS), b.load.ID, keys, details, ids)
	if err != nil {
		return fmt.Errorf("note rows that %s refuses: %w", t.Name, err)
	}
	return nil
}

// people makes the rows of users and accounts that Postgres had refused.
func (b *valueBatch) people(ctx context.Context) error {
	for _, t := range latest.Tables() {
		byKey := map[string][]*waitingValue{}
		for _, w := range b.waiting {
			if w.reason != schema.RejectedByDatabase || w.table != t.Name {
				continue
			}
			var leaf schema.Leaf
			if b.types[t.Name] == nil || !decode.Literal([]byte(w.raw), false, &leaf) || leaf.Bad != "" {
				b.keep(w.reason, w)
				continue
			}
			byKey[string(leaf.Text)] = append(byKey[string(leaf.Text)], w)
		}
		if len(byKey) == 0 {
			continue
		}
		if err := b.peopleOf(ctx, t, byKey); err != nil {
			return fmt.Errorf("make rows of %s: %w", t.Name, err)
		}
	}
	return nil
}

func (b *valueBatch) peopleOf(ctx context.Context, t latest.Table, byKey map[string][]*waitingValue) error {
	if !b.dry {
		if err := b.l.ledger.Lock(ctx, b.tx); err != nil {
			return err
		}
		refused, err := t.Refresh(ctx, b.tx, b.l.cfg.Schema, slices.Collect(maps.Keys(byKey)), pgTime(b.load.UUIDTS))
		if err != nil {
			return err
		}
		for _, r := range refused {
			for _, w := range byKey[r.Key] {
				b.keep(schema.RejectedByDatabase, w)
			}
			delete(byKey, r.Key)
		}
	}
	for _, values := range byKey {
		for _, w := range values {
			b.done = append(b.done, w.place)
		}
		b.filled[t.Name] += int64(len(values))
	}
	return nil
}

// addColumns adds, where the loader owns the schema, the columns that values wait for: they came while somebody else owned
// it, or when there was no room.
func (v *values) addColumns(ctx context.Context) error {
	reasons := slices.DeleteFunc(slices.Clone(v.reasons), func(r string) bool {
		return r != string(schema.UnknownColumn) && r != string(schema.ColumnLimit)
	})
	if len(reasons) == 0 {
		return nil
	}
	rows, err := v.l.pool.Query(ctx, "select distinct on (table_name, column_name) table_name, row_id, column_name, coalesce(raw_value, ''),"+
		" coalesce(path::pg_catalog.text, '') from "+ident(v.l.cfg.Schema, "_discards")+" where "+waitingValues+
		" order by table_name, column_name, ctid", reasons, v.sel.Table, timeOrNull(v.sel.Since), timeOrNull(v.sel.Until))
	if err != nil {
		return fmt.Errorf("read discards: %w", err)
	}
	missing, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w waitingValue, err error) {
		return w, row.Scan(&w.table, &w.row, &w.column, &w.raw, &w.path)
	})
	if err != nil || len(missing) == 0 {
		return err
	}
	have, err := catalog.Read(ctx, v.l.pool, v.l.cfg.Schema)
	if err != nil {
		return err
	}
	diff := v.columns(missing, have)
	switch {
	case diff.Empty():
		return nil
	case v.dry:
		v.planned = diff
		v.out.Records.evolved(diff)
		return nil
	}
	if err := v.l.workers[0].prepare(ctx); err != nil {
		return err
	}
	applied, err := v.l.workers[0].migrator.Evolve(ctx, diff)
	if err != nil {
		return fmt.Errorf("add columns: %w", err)
	}
	v.out.Records.evolved(applied.Diff)
	return nil
}

// columns are the columns of the values as far as their tables have room. Those of identifies and groups are users' and
// accounts', too.
func (v *values) columns(missing []waitingValue, have schema.Tables) (d schema.Diff) {
	room := func(t *schema.Table) int {
		n := v.l.cfg.MaxColumns
		if n <= 0 {
			n = schema.DefaultMaxColumns
		}
		for i := range t.Columns {
			if !schema.IsStandardColumn(t.Columns[i].Name) {
				n--
			}
		}
		return n
	}
	left := map[string]int{}
	for _, w := range missing {
		t := have[w.table]
		var leaf schema.Leaf
		if t == nil || t.Column(w.column) != nil || !decode.Literal([]byte(w.raw), strings.HasPrefix(w.row, "ct_"), &leaf) {
			continue
		}
		if _, known := left[w.table]; !known {
			left[w.table] = room(t)
		}
		typ, reason := schema.FirstType(&leaf)
		if reason != "" || left[w.table] <= 0 {
			continue
		}
		left[w.table]--
		c := schema.Column{Name: w.column, Type: typ, Path: w.keys()}
		d.Columns = append(d.Columns, schema.Added{Table: w.table, Column: c})
		for _, l := range latest.Tables() {
			if people := have[l.Name]; l.Calls == w.table && people != nil && people.Column(w.column) == nil {
				d.Columns = append(d.Columns, schema.Added{Table: l.Name, Column: c})
			}
		}
	}
	return d
}
