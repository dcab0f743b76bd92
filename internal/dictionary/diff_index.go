package dictionary

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/migrations"
)

// indexes looks for the key, without which nothing is loaded exactly once, and for the indexes that a table of Tapline's
// own has. Any index that begins with the column will do.
func (d *differ) indexes(t *Table) {
	needed := map[string]bool{}
	if t.recorded {
		needed["received_at"], needed["uuid_ts"] = t.Column("received_at") != nil, t.Column("uuid_ts") != nil
	}
	key := false
	ours := map[string]bool{}
	for _, column := range []string{"received_at", "uuid_ts"} {
		name, _ := migrations.IndexSQL(d.schema.Name, t.Name, column)
		ours[name] = true
	}
	for _, x := range t.Indexes {
		switch {
		case !x.Valid:
			d.invalidIndex(t, x)
			continue
		case x.Key && x.Single && x.Lead == "id":
			key = true
			continue
		case !ours[x.Name]:
			d.add(Finding{Kind: ExtraIndex, Table: t.Name, Index: x.Name, Problem: "an index that is not Tapline's: " + x.describe()})
		}
		needed[x.Lead] = false
	}
	if !key && t.Column("id") != nil {
		d.add(Finding{
			Kind: MissingKey, Table: t.Name, Column: "id", Repair: migrations.KeySQL(d.schema.Name, t.Name),
			Problem: "there is no unique index on id: events could be stored twice",
		})
	}
	for _, column := range []string{"received_at", "uuid_ts"} {
		if needed[column] {
			name, statement := migrations.IndexSQL(d.schema.Name, t.Name, column)
			d.add(Finding{
				Kind: MissingIndex, Table: t.Name, Column: column, Index: name, Repair: statement,
				Problem: "there is no index on " + column + ": queries by time read the whole table",
			})
		}
	}
}

func (x *Index) describe() string {
	lead := x.Lead
	if lead == "" {
		lead = "an expression"
	}
	if !x.Single {
		lead += " ..."
	}
	return x.Method + " (" + lead + ")"
}

func (d *differ) invalidIndex(t *Table, x Index) {
	d.add(Finding{
		Kind: InvalidIndex, Table: t.Name, Index: x.Name,
		Problem: "building the index failed or goes on: it costs writes and serves no query",
		Repair:  "reindex index concurrently " + ident(d.schema.Name, x.Name) + ";\n",
		Or:      "drop index concurrently " + ident(d.schema.Name, x.Name) + ";\n",
	})
}

func columns(n int) string {
	if n == 1 {
		return "1 column"
	}
	return strconv.Itoa(n) + " columns"
}

func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// quote quotes a name of a table or column, which has no backslashes that count: those are doubled nowhere.
func quote(s string) string {
	if strings.Contains(s, `\`) {
		return " E'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
