package migrations

import "github.com/tapline/tapline/schema"

// TableComment returns what Postgres is to show for a table: its description, else the event whose rows it holds.
func TableComment(t *schema.Table) string { return tableComment(t) }

// ColumnComment returns what Postgres is to show for a column of a table: its description, else the original name.
func ColumnComment(t *schema.Table, c *schema.Column) string { return columnComment(t, c) }

// CommentSQL returns the statement that gives a table, or with a column that column, its comment.
func CommentSQL(schemaName string, t *schema.Table, c *schema.Column) string {
	if c == nil {
		return "comment on table " + qualified(schemaName, t.Name) + " is " + lit(tableComment(t)) + ";\n"
	}
	return "comment on column " + qualified(schemaName, t.Name) + "." + ident(c.Name) + " is " + lit(columnComment(t, c)) + ";\n"
}

// IndexSQL returns the statement that builds the index of a table on received_at or uuid_ts while others write to it. It
// cannot run in a transaction. An invalid index of that name, from a build that failed, is to be dropped before.
func IndexSQL(schemaName, table, column string) (name, statement string) {
	name = relationName("_brin_", table, "_"+column)
	return name, "create index concurrently if not exists " + ident(name) + " on " + qualified(schemaName, table) + " using brin (" +
		ident(column) + ") with (autosummarize = on, pages_per_range = 16);\n"
}

// KeySQL returns the statement that gives a table its key.
func KeySQL(schemaName, table string) string {
	return "alter table " + qualified(schemaName, table) + " add constraint " + ident(relationName("_pk_", table, "")) +
		" primary key (" + ident("id") + ");\n"
}

// TracksSQL returns the query of the view tracks over tables, and the statement that makes the view this query. The view
// keeps the columns that it has in tables, in their order. Both are empty if tracks is a table there, or there is no event.
func TracksSQL(schemaName string, tables schema.Tables) (query, statement string) {
	old := tables[schema.TableTracks]
	shown := tables.TracksTables()
	if old != nil && !old.View || len(shown) == 0 {
		return "", ""
	}
	v := view{name: qualified(schemaName, schema.TableTracks), schema: schemaName}
	var columns []string
	if old != nil {
		columns = columnNames(old.Columns)
	}
	known := len(columns)
	columns = tracksColumns(columns, shown)
	query = v.union(shown, columns)
	return query, v.replace(query) + v.comments(shown, columns, known)
}
