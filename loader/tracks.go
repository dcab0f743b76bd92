package loader

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/schema"
)

// fillTracks adds the standard columns of this load's events to tracks, where that is a table and not Tapline's view: in
// a schema that Segment or somebody else made (rule 1). Columns that tracks does not have are left out.
func (w *writing) fillTracks(ctx context.Context) error {
	is, err := tracksIsTable(ctx, w.tx, w.l.cfg.Schema)
	if err != nil || !is {
		return err
	}
	var names []string
	for name, t := range w.a.report.Tables {
		if t.Loaded > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	types, err := catalog.Types(ctx, w.tx, w.l.cfg.Schema, append(names, schema.TableTracks))
	if err != nil {
		return fmt.Errorf("read columns of tracks: %w", err)
	}
	for _, name := range names {
		if _, track := types[name]["event_text"]; !track {
			continue
		}
		if err := w.fillTracksFrom(ctx, name, common(types[name], types[schema.TableTracks])); err != nil {
			return fmt.Errorf("fill tracks from %s: %w", name, err)
		}
	}
	return nil
}

// tracksIsTable reports whether a schema's tracks is a table.
func tracksIsTable(ctx context.Context, tx pgx.Tx, schemaName string) (bool, error) {
	kind := ""
	err := tx.QueryRow(ctx, "select coalesce((select relkind::pg_catalog.text from pg_catalog.pg_class where oid = pg_catalog.to_regclass($1)), '')",
		ident(schemaName, schema.TableTracks)).Scan(&kind)
	if err != nil {
		return false, fmt.Errorf("look at tracks: %w", err)
	}
	return kind == "r" || kind == "p", nil
}

func (w *writing) fillTracksFrom(ctx context.Context, table string, columns []string) error {
	list := strings.Join(columns, ", ")
	_, err := w.tx.Exec(ctx, "insert into "+ident(w.l.cfg.Schema, schema.TableTracks)+" ("+list+") select "+list+
		" from "+ident(w.l.cfg.Schema, table)+" where uuid_ts = any($1) order by id on conflict do nothing", w.a.stamps())
	return err
}

// common returns the standard and context columns, quoted, that both tables have and whose values tracks can take.
func common(from, to map[string]schema.Type) []string {
	var out []string
	for name, typ := range to {
		have, ok := from[name]
		if ok && (have == typ || typ == schema.Text) && (schema.IsStandardColumn(name) || strings.HasPrefix(name, "context_")) {
			out = append(out, ident(name))
		}
	}
	slices.Sort(out)
	return out
}

func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }
