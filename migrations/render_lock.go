package migrations

import (
	"slices"
	"strings"

	"github.com/tapline/tapline/schema"
)

// lock makes one wait of all the waits for locks of a file. While it waits for one table, the file holds those it has
// already, and their readers wait too: with lock_timeout alone, ten tables could add up to ten timeouts. So a file that
// changes more than one existing relation first takes all its locks out of one budget of lock_timeout, and leaves what
// is left of it to the statements after it.
//
// The view goes first and the tables in name order, as a query of tracks takes them. There is no LOCK TABLE for a view
// alone, it locks all tables below; dropping a default that is not there takes the view's lock and does nothing else.
func (r *renderer) lock() {
	statements := make([]string, 0, 8)
	if r.tracks.replaces {
		statements = append(statements,
			"alter view "+qualified(r.schema, schema.TableTracks)+` alter column "id" drop default`)
	}
	for _, name := range r.altered() {
		statements = append(statements, "lock table only "+qualified(r.schema, name)+" in access exclusive mode")
	}
	if len(statements) < 2 {
		return
	}
	var b strings.Builder
	b.WriteString("declare\n\tstatement text;\n\tlimit_ms double precision := " +
		"extract(epoch from current_setting('lock_timeout')::interval) * 1000;\n" +
		"\tdeadline timestamptz := clock_timestamp() + current_setting('lock_timeout')::interval;\nbegin\n" +
		"\tforeach statement in array array[\n")
	for i, s := range statements {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("\t\t" + lit(s))
	}
	b.WriteString("\n\t] loop\n\t\texecute statement;\n\t\tif limit_ms > 0 then\n" +
		"\t\t\tperform set_config('lock_timeout', ceil(greatest(1, " +
		"extract(epoch from deadline - clock_timestamp()) * 1000))::text || 'ms', true);\n" +
		"\t\tend if;\n\tend loop;\nend ")
	r.add("do ", body(b.String()), ";\n")
}

// altered returns the names of the existing tables that the file changes, in order.
func (r *renderer) altered() []string {
	names := make([]string, 0, len(r.diff.Columns)+len(r.diff.Widen))
	for _, a := range r.diff.Columns {
		names = append(names, a.Table)
	}
	for _, w := range r.diff.Widen {
		names = append(names, w.Table)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
