package roles

import (
	"slices"

	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// Rights on a table, as Postgres calls them.
const (
	sel    = "select"
	insert = "insert"
	update = "update"
	remove = "delete"
)

// tableRights are all rights on a table that there are in every version.
func tableRights() []string {
	return []string{sel, insert, update, remove, "truncate", "references", "trigger"}
}

// grant says what a part may do to the tables of a schema. A nil tables means all of them, those of later migrations too;
// the rights of such a grant are the default privileges.
type grant struct {
	part   Part
	in     place
	tables []string
	rights []string // exactly these, where several grants speak of a table those of the last one
	why    string
}

// place is the kind of a schema.
type place int

const (
	control place = iota // the schema of all sources
	source               // the schema of one source
)

// grants are all of them. The migrator needs none: it owns the schemas and everything in them.
func grants() []grant {
	return []grant{
		{Loader, control, nil, []string{sel}, "The loader asks whose schema it is and whether that is complete."},
		{Loader, control, []string{"destinations", "cursors"}, []string{sel, update}, `Who loads also forwards to destinations, and notes how far that is. Adding one is the migrator's.`},
		{Loader, control, []string{"_undelivered"}, []string{sel, insert, update, "delete"}, `What a destination did not take; a replay takes out what has arrived.`},
		{Loader, control, []string{"jobs", "alerts"}, []string{sel, insert, update}, `Whoever runs jobs notes what is taken care of, and what people were told.`},
		{Loader, control, []string{"job_runs"}, []string{sel, insert, update, remove}, `The history of jobs; its oldest rows go.`},
		{Loader, control, []string{"key_uses", "intake"}, []string{sel, insert, update}, `Who receives events notes which write keys are used, and what keeps a source from being loaded. Sources and keys
are the migrator's.`},
		{Loader, source, nil, []string{sel, insert}, `The loader adds rows, to event tables and to its own ledger, quarantine and discards, and looks up the ids
that are there already. Rows that are in stay as they are: no update, no delete.`},
		{Loader, source, []string{"_units"}, []string{sel, insert, update}, `A window of an API that is read again is noted as read again.`},
		{Loader, source, []string{"_claims"}, []string{sel, insert, update, remove}, `Loads that share their work take units, and give them back.`},
		{Loader, source, []string{"_columns", "_migrations", "_migration_files"}, []string{sel}, `What changes the schema is not the loader's: a migration that it could write would be run by the migrator.`},
		{Loader, source, []string{schema.TableUsers, schema.TableAccounts}, []string{sel, insert, update}, `Tables of newest states: a row is written over when something newer is known. (A migration that makes one of
them gives this right to whoever may insert.)`},
		{Analyst, source, nil, []string{sel}, `Analysts read events, and what could not become one: _quarantine, _discards, and _columns, the dictionary.`},
	}
}

// allowed returns the rights that a part has to a table. A view is read or nothing.
func allowed(part Part, in place, table string, view bool) []string {
	var out []string
	for _, g := range grants() {
		if g.part == part && g.in == in && (g.tables == nil || slices.Contains(g.tables, table)) {
			out = g.rights
		}
	}
	if view && part == Loader {
		return nil // tracks: the loader reads the tables below
	}
	return out
}

// needed is what of allowed the work stops without. Only who has destinations needs the rights to forward.
func needed(part Part, in place, table string, view, forwards bool) []string {
	if part == Loader && in == control && forwards && slices.Contains([]string{"destinations", "cursors", "_undelivered"}, table) {
		return allowed(part, in, table, view)
	}
	if part == Loader && in == control && table != "sources" && table != "_migrations" {
		return nil
	}
	switch {
	case part == Loader && in == source && table == "_units": // only windows are read again
		return []string{sel, insert}
	case part == Loader && in == source && table == "_claims": // only loads that share take units
		return nil
	}
	return allowed(part, in, table, view)
}

// placeOf tells the control schema from those of sources.
func placeOf(schemaName string) place {
	if schemaName == migrations.ControlSchema {
		return control
	}
	return source
}
