package rehearsal

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// picture is everything in a database that migrations make, as name and definition. What Postgres made itself is not in
// it, nor are the control schema, the tables that say which migrations are applied, and the rows of events.
type picture map[string]string

//go:embed picture.sql
var pictureSQL string

// take takes a picture.
func take(ctx context.Context, d *scratch, schemaName string) (picture, error) {
	p := picture{}
	err := d.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		// Definitions then have every name with its schema.
		tx, err := c.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }() // nothing was written
		if _, err := tx.Exec(ctx, "set local search_path = ''"); err != nil {
			return err
		}
		if err := p.read(ctx, tx, pictureSQL); err != nil {
			return err
		}
		var there bool
		dictionary := pgx.Identifier{schemaName, "_columns"}.Sanitize()
		if err := tx.QueryRow(ctx, "select pg_catalog.to_regclass($1) is not null", dictionary).Scan(&there); err != nil || !there {
			return err
		}
		return p.read(ctx, tx, `select 'row of _columns: ' || table_name || '.' || column_name,
			pg_catalog.concat_ws(', ', "type", path::pg_catalog.text, event) from `+dictionary)
	})
	if err != nil {
		return nil, fmt.Errorf("read what is in database %s: %w", d.name, err)
	}
	delete(p, "schema "+pgx.Identifier{schemaName}.Sanitize()) // it is the source's, not the migrations'
	return p, nil
}

func (p picture) read(ctx context.Context, tx pgx.Tx, sql string) error {
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return err
	}
	var name, definition string
	_, err = pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
		p[name] = definition
		return nil
	})
	return err
}

// less returns how a picture differs from what it should be: what is left, what is missing, what is another.
func (p picture) less(want picture) []string {
	var out []string
	for name, definition := range p {
		was, ok := want[name]
		switch {
		case !ok:
			out = append(out, "left over: "+name+in(definition))
		case was != definition:
			out = append(out, fmt.Sprintf("changed: %s is %s, and should be %s", name, short(definition), short(was)))
		}
	}
	for name := range want {
		if _, ok := p[name]; !ok {
			out = append(out, "missing: "+name+in(want[name]))
		}
	}
	slices.Sort(out)
	return withoutParts(out)
}

// withoutParts leaves out what goes without saying: of a table that is left over its columns.
func withoutParts(lines []string) []string {
	whole := map[string]bool{}
	for _, line := range lines {
		for _, kind := range []string{
			"left over: table ", "missing: table ", "left over: view ", "missing: view ", "left over: materialized view ", "missing: materialized view ",
		} {
			if rest, ok := strings.CutPrefix(line, kind); ok {
				word, _, _ := strings.Cut(kind, ": ")
				whole[word+" "+rest] = true
			}
		}
	}
	return slices.DeleteFunc(lines, func(line string) bool {
		word, rest, _ := strings.Cut(line, ": ")
		_, of, ok := strings.Cut(rest, " of ")
		if !ok {
			return false
		}
		of, _, _ = strings.Cut(of, " (")
		return whole[word+" "+of]
	})
}

func in(definition string) string {
	if definition == "" {
		return ""
	}
	return " (" + short(definition) + ")"
}

// short makes a definition one line that fits.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 160 {
		return string(r[:159]) + "…"
	}
	return "`" + s + "`"
}
