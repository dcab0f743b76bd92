package federate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Declared is what Declare did, by names of destinations.
type Declared struct {
	Added, Changed []string
	// Dropped were declared before and are not any more. They stay as they are: whoever takes one out of one file may have
	// another, and the cursor cannot be had back.
	Dropped []string
}

// Declaration is a destination as a configuration file has it.
type Declaration struct {
	Destination
	// FromNow makes a new destination begin with the next load.
	FromNow bool
}

// Declare makes the destinations of a database be as a configuration file asks for, all or none: it adds those that are not
// there and changes those that differ; what was sent stays sent, and what is paused stays paused. It writes nothing if
// nothing differs. A destination that gets another source is refused: its cursor is of the one that it has.
func Declare(ctx context.Context, pool *pgxpool.Pool, all []Declaration) (Declared, error) {
	var out Declared
	if len(all) == 0 {
		return out, nil
	}
	if same, err := declared(ctx, pool, all, &out); err != nil || same {
		return out, err
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// Two that declare at once do it one after the other.
		if _, err := tx.Exec(ctx, "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('tapline destinations', 0))"); err != nil {
			return fmt.Errorf("lock destinations: %w", err)
		}
		out = Declared{Dropped: out.Dropped}
		for i := range all {
			if err := declare(ctx, tx, &all[i], &out); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Declared{}, err
	}
	return out, nil
}

// declared reports whether nothing is to be done, and notes what is declared no more.
func declared(ctx context.Context, db DB, all []Declaration, out *Declared) (bool, error) {
	have, err := List(ctx, db, "")
	if err != nil {
		return false, err
	}
	for i := range have {
		if have[i].Settings.Declared && !slices.ContainsFunc(all, func(d Declaration) bool { return d.Name == have[i].Name }) {
			out.Dropped = append(out.Dropped, have[i].Name)
		}
	}
	for i := range all {
		n := slices.IndexFunc(have, func(h Destination) bool { return h.Name == all[i].Name })
		if n < 0 {
			return false, nil
		}
		if same, err := asDeclared(ctx, db, &all[i], &have[n]); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func declare(ctx context.Context, db DB, d *Declaration, out *Declared) error {
	have, err := Get(ctx, db, d.Name)
	if errors.Is(err, ErrNotFound) {
		d.Settings.Declared = true
		out.Added = append(out.Added, d.Name)
		return insertDestination(ctx, db, &d.Destination, d.FromNow)
	}
	if err != nil {
		return err
	}
	same, err := asDeclared(ctx, db, d, have)
	if err != nil || same {
		return err
	}
	out.Changed = append(out.Changed, d.Name)
	src, err := readSource(ctx, db, have.Source)
	if err != nil {
		return err
	}
	return Update(ctx, db, d.Destination, src.region)
}

// asDeclared reports whether a destination is as it is declared, and completes the declaration.
func asDeclared(ctx context.Context, db DB, d *Declaration, have *Destination) (bool, error) {
	if d.Source != have.Source {
		return false, fmt.Errorf("destination %s is of source %s, not of %s: give it another name, or remove that one first "+
			"(tapline destination remove %s)", d.Name, have.Source, d.Source, d.Name)
	}
	src, err := readSource(ctx, db, d.Source)
	if err != nil {
		return false, err
	}
	if err := d.Check(src.region); err != nil {
		return false, err
	}
	d.Settings.Declared, d.Settings.IDSource = true, have.Settings.IDSource
	want, err := json.Marshal(d.Settings)
	if err != nil {
		return false, fmt.Errorf("encode settings of destination %s: %w", d.Name, err)
	}
	is, err := json.Marshal(have.Settings)
	if err != nil {
		return false, fmt.Errorf("encode settings of destination %s: %w", d.Name, err)
	}
	return d.Endpoint == have.Endpoint && d.Region == have.Region && d.KeyFrom == have.KeyFrom && bytes.Equal(want, is), nil
}
