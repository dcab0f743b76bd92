package loader

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/refusal"
	"github.com/tapline/tapline/schema"
)

// waitingValue is one row of _discards.
type waitingValue struct {
	place              string // in _discards
	table, row, column string
	raw                string
	reason             schema.Reason
	path               string // as JSON, or empty

	text string // as Postgres reads it
	same []*waitingValue
}

func (w *waitingValue) sameRow(o *waitingValue) bool { return w.table == o.table && w.row == o.row }

// keys are those down to the value, nil if they are not known.
func (w *waitingValue) keys() []string {
	var keys []string
	if w.path == "" || json.Unmarshal([]byte(w.path), &keys) != nil {
		return nil
	}
	return keys
}

// exact reports whether the value's one key is spelled like its column.
func (w *waitingValue) exact() bool { return schema.IsExact(w.keys(), w.column) }

// lock keeps the tables as they are until the end and reads the types of their columns.
func (b *valueBatch) lock(ctx context.Context) error {
	tables := map[string]bool{}
	for _, w := range b.waiting {
		tables[w.table] = true
	}
	names := make([]string, 0, len(tables)+1)
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	have, err := catalog.Types(ctx, b.tx, b.l.cfg.Schema, names)
	if err != nil {
		return err
	}
	var quoted []string
	for _, name := range names {
		if have[name] != nil {
			quoted = append(quoted, ident(b.l.cfg.Schema, name))
		}
	}
	if len(quoted) > 0 && !b.dry {
		if _, err := b.tx.Exec(ctx, "lock table "+strings.Join(quoted, ", ")+" in row exclusive mode"); err != nil {
			return fmt.Errorf("lock tables: %w", err)
		}
	}
	b.types, err = catalog.Types(ctx, b.tx, b.l.cfg.Schema, append(names, schema.TableTracks))
	for _, c := range b.planned.Columns {
		if columns := b.types[c.Table]; columns != nil && columns[c.Column.Name] == schema.Unknown {
			columns[c.Column.Name] = c.Column.Type
		}
	}
	return err
}

// rowValues are the values for one row.
type rowValues struct {
	id     string
	values []*waitingValue // by column
}

// fill puts values into their rows: those of rows that get the same columns of a table in one statement.
func (b *valueBatch) fill(ctx context.Context) error {
	type group struct{ table, columns string }
	groups := map[group][]rowValues{}
	for _, row := range b.rows() {
		columns := make([]string, len(row.values))
		for i, w := range row.values {
			columns[i] = ident(w.column)
		}
		g := group{row.values[0].table, strings.Join(columns, ", ")}
		groups[g] = append(groups[g], row)
	}
	keys := make([]group, 0, len(groups))
	for g := range groups {
		keys = append(keys, g)
	}
	slices.SortFunc(keys, func(x, y group) int {
		return cmp.Or(cmp.Compare(x.table, y.table), cmp.Compare(x.columns, y.columns))
	})
	filled := map[string][]string{}
	for _, g := range keys {
		ids, err := b.fillRows(ctx, g.table, groups[g])
		if err != nil {
			return fmt.Errorf("fill %s: %w", g.table, err)
		}
		filled[g.table] = append(filled[g.table], ids...)
	}
	return b.follow(ctx, filled)
}

// rows returns the values that fit into their columns, row by row. The others are counted as kept.
func (b *valueBatch) rows() []rowValues {
	var out []rowValues
	for from := 0; from < len(b.waiting); {
		to := from + 1
		for to < len(b.waiting) && b.waiting[to].sameRow(b.waiting[from]) {
			to++
		}
		row := rowValues{id: b.waiting[from].row}
		for _, w := range b.winners(b.waiting[from:to]) {
			if reason := b.fit(w); reason != "" {
				b.keep(reason, w)
				continue
			}
			row.values = append(row.values, w)
		}
		if len(row.values) > 0 {
			out = append(out, row)
		}
		from = to
	}
	return out
}

// winners settles which of several values for a column gets it (rule 8), and sorts by column.
func (b *valueBatch) winners(row []*waitingValue) []*waitingValue {
	byColumn := map[string]*waitingValue{}
	var out []*waitingValue
	for _, w := range row {
		if w.reason == schema.RejectedByDatabase { // people's, which have had their turn
			continue
		}
		first := byColumn[w.column]
		switch {
		case first == nil:
			byColumn[w.column] = w
			continue
		case w.exact() && !first.exact():
			w.same, first.same = append(first.same, first), nil
			byColumn[w.column] = w
		default:
			first.same = append(first.same, w)
		}
	}
	for _, w := range byColumn {
		w.same = slices.DeleteFunc(w.same, func(o *waitingValue) bool {
			if o.raw != w.raw {
				b.keep(schema.ColumnNameCollision, o)
			}
			return o.raw != w.raw
		})
		out = append(out, w)
	}
	slices.SortFunc(out, func(x, y *waitingValue) int { return cmp.Compare(x.column, y.column) })
	return out
}

// keep counts a value, and its equals, that go on waiting.
func (b *valueBatch) keep(reason schema.Reason, w *waitingValue) {
	b.kept[reason] += 1 + int64(len(w.same))
}

// fit converts a value to the type of its column, or says why it goes on waiting.
func (b *valueBatch) fit(w *waitingValue) schema.Reason {
	columns := b.types[w.table]
	typ, there := columns[w.column]
	var leaf schema.Leaf
	switch {
	case columns == nil:
		return schema.UnknownTable
	case !there && w.reason == schema.ColumnLimit:
		return schema.ColumnLimit
	case !there:
		return schema.UnknownColumn
	case schema.IsEnvelope(w.table, w.column):
		return w.reason
	case !decode.Literal([]byte(w.raw), strings.HasPrefix(w.row, "ct_"), &leaf):
		return w.reason
	}
	var reason schema.Reason
	w.text, reason = schema.Stored(&leaf, typ)
	return reason
}

// fillRows puts values into rows of one table that get the same columns, and returns the ids of those that got one. If
// Postgres refuses any of them, its half is tried alone, and in the end each value.
func (b *valueBatch) fillRows(ctx context.Context, table string, rows []rowValues) ([]string, error) {
	if b.dry {
		b.filled[table] += int64(len(rows) * len(rows[0].values))
		return nil, nil
	}
	var ids []string
	var result func()
	err := pgx.BeginFunc(ctx, b.tx, func(savepoint pgx.Tx) (err error) {
		ids, result, err = b.update(ctx, savepoint, table, rows)
		return err
	})
	switch {
	case err == nil:
		result()
		return ids, nil
	case !refusal.Is(err):
		return nil, err
	case len(rows) > 1:
		return b.fillParts(ctx, table, rows[:len(rows)/2], rows[len(rows)/2:])
	case len(rows[0].values) == 1:
		b.keep(schema.RejectedByDatabase, rows[0].values[0])
		return nil, nil
	}
	for _, w := range rows[0].values {
		more, err := b.fillRows(ctx, table, []rowValues{{rows[0].id, []*waitingValue{w}}})
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	return ids, nil
}

func (b *valueBatch) fillParts(ctx context.Context, table string, parts ...[]rowValues) ([]string, error) {
	var ids []string
	for _, part := range parts {
		more, err := b.fillRows(ctx, table, part)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	return ids, nil
}

// update fills what is null in the rows. result takes over what became of the values.
func (b *valueBatch) update(ctx context.Context, tx pgx.Tx, table string, rows []rowValues) (ids []string, result func(), err error) {
	empty, err := b.empty(ctx, tx, table, rows)
	if err != nil {
		return nil, nil, err
	}
	columns := rows[0].values
	texts := make([][]*string, len(columns))
	var done []*waitingValue
	kept := map[schema.Reason][]*waitingValue{}
	for _, row := range rows {
		nulls, there := empty[row.id]
		if !there {
			kept[rowGone] = append(kept[rowGone], row.values...)
			continue
		}
		ids = append(ids, row.id)
		for i, w := range row.values {
			if !nulls[i] {
				kept[schema.ColumnNameCollision] = append(kept[schema.ColumnNameCollision], w)
				texts[i] = append(texts[i], nil)
				continue
			}
			texts[i] = append(texts[i], &w.text)
			done = append(done, w)
		}
	}
	if len(done) > 0 {
		err = b.set(ctx, tx, table, columns, ids, texts)
	}
	return ids, func() {
		for reason, values := range kept {
			for _, w := range values {
				b.keep(reason, w)
			}
		}
		for _, w := range done {
			b.filled[table]++
			b.done = append(b.done, w.place)
			for _, same := range w.same {
				b.done = append(b.done, same.place)
			}
		}
	}, err
}

// rowGone is the word for values whose row somebody has removed.
const rowGone schema.Reason = "row_gone"

// empty locks rows and says which of the columns are null in them.
func (b *valueBatch) empty(ctx context.Context, tx pgx.Tx, table string, rows []rowValues) (map[string][]bool, error) {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.id
	}
	nulls := make([]string, len(rows[0].values))
	for i, w := range rows[0].values {
		nulls[i] = ident(w.column) + " is null"
	}
	found, err := tx.Query(ctx, "select id, array["+strings.Join(nulls, ", ")+"] from "+ident(b.l.cfg.Schema, table)+
		" where id = any($1) order by id for update", ids)
	if err != nil {
		return nil, fmt.Errorf("lock rows: %w", err)
	}
	out := make(map[string][]bool, len(rows))
	var id string
	var empty []bool
	_, err = pgx.ForEachRow(found, []any{&id, &empty}, func() error {
		out[id] = slices.Clone(empty)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lock rows: %w", err)
	}
	return out, nil
}

// set fills the columns where they are null.
func (b *valueBatch) set(ctx context.Context, tx pgx.Tx, table string, columns []*waitingValue, ids []string, texts [][]*string) error {
	var sets, names, params []string
	args := []any{ids}
	for i, w := range columns {
		typ := b.types[table][w.column].String()
		sets = append(sets, fmt.Sprintf("%s = coalesce(t.%[1]s, v.c%d::%s)", ident(w.column), i, typ))
		names = append(names, fmt.Sprintf("c%d", i))
		params = append(params, fmt.Sprintf("$%d::pg_catalog.text[]", i+2))
		args = append(args, texts[i])
	}
	_, err := tx.Exec(ctx, "update "+ident(b.l.cfg.Schema, table)+" t set "+strings.Join(sets, ", ")+
		" from unnest($1::pg_catalog.text[], "+strings.Join(params, ", ")+") as v(id, "+strings.Join(names, ", ")+") where t.id = v.id", args...)
	if err != nil {
		return fmt.Errorf("store values: %w", err)
	}
	return nil
}
