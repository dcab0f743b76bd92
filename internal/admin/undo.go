package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/latest"
	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/schema"
)

// Undone is what Undo took out.
type Undone struct {
	Load Load `json:"load"`
	// Tables are the rows removed, by event table. Rebuilt are the keys whose rows in users or accounts were made anew.
	Tables      map[string]int64 `json:"tables"`
	Rebuilt     map[string]int64 `json:"rebuilt"`
	Discards    int64            `json:"discarded_values"`
	Quarantined int64            `json:"quarantined"`
	// Requeued are records, Emptied values of rows that stay: the load had replayed them, and they wait again.
	Requeued int64 `json:"waiting_records"`
	Emptied  int64 `json:"waiting_values"`
	Units    int64 `json:"units"`
	// Shadowed is how many later loads met events that were there already: if these were this load's, then no load has
	// them now, and the files of those loads have to be loaded again.
	Shadowed int64 `json:"later_loads_with_duplicates"`
}

// Rows is the sum of Tables.
func (u *Undone) Rows() (n int64) {
	for _, rows := range u.Tables {
		n += rows
	}
	return n
}

// StatusError says that a load cannot be undone as it is.
type StatusError struct {
	Load   uuid.UUID
	Status string
}

// Error says why.
func (e *StatusError) Error() string {
	why := "nothing of it is in the tables"
	if e.Status == "undone" {
		why = "it is undone already"
	}
	return fmt.Sprintf("load %s is %s: %s", e.Load, e.Status, why)
}

// Beginner starts transactions: a pool or a connection of pgx.
type Beginner interface {
	BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error)
}

// Undo takes everything that one load brought out of a source again, in one transaction: its rows, discards,
// quarantined records and the unit, which can then be loaded again; what it had replayed waits again. The load's row stays, as
// undone. It first waits for
// the loads of the source that are at work. The error is ErrNotFound for an unknown load and a *StatusError for one that is not finished.
func Undo(ctx context.Context, db Beginner, schemaName string, load uuid.UUID) (*Undone, error) {
	var out *Undone
	err := pgx.BeginTxFunc(ctx, db, ledger.Options(), func(tx pgx.Tx) error {
		var err error
		out, err = undo(ctx, tx, schemaName, load)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("undo load: %w", err)
	}
	return out, nil
}

func undo(ctx context.Context, tx pgx.Tx, schemaName string, id uuid.UUID) (*Undone, error) {
	if err := ledger.Settle(ctx, tx); err != nil {
		return nil, err
	}
	// A load that is at work may have found rows that are going and have left out its own for them: then it has to be
	// among the later loads that are counted. And none that ends meanwhile must make users and accounts of such rows.
	l := ledger.New(schemaName)
	if err := l.Wait(ctx, tx); err != nil {
		return nil, err
	}
	if err := l.Lock(ctx, tx); err != nil {
		return nil, err
	}
	load, err := finishedLoad(ctx, tx, schemaName, id)
	if err != nil {
		return nil, err
	}
	u := &undoing{ctx: ctx, tx: tx, schema: schemaName, load: load, keys: map[latest.Table][]string{}, out: &Undone{
		Load: load, Tables: map[string]int64{}, Rebuilt: map[string]int64{},
	}}
	if u.tables, err = catalog.Read(ctx, tx, schemaName); err != nil {
		return nil, fmt.Errorf("read catalog of %s: %w", schemaName, err)
	}
	for _, step := range []func() error{u.unreplay, u.events, u.sides, u.close} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return u.out, nil
}

// finishedLoad locks the load's row.
func finishedLoad(ctx context.Context, tx pgx.Tx, schemaName string, id uuid.UUID) (Load, error) {
	rows, err := tx.Query(ctx, "select "+loadColumns+" from "+ident(schemaName, "_loads")+" where load = $1 for update", id)
	if err != nil {
		return Load{}, err
	}
	load, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Load])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Load{}, ErrNotFound
	case err != nil:
		return Load{}, err
	case load.Status != "finished":
		return Load{}, &StatusError{load.ID, load.Status}
	case load.UUIDTS == nil:
		return Load{}, errors.New("the load has no uuid_ts, so that its rows cannot be told from others")
	}
	return load, nil
}

type undoing struct {
	ctx    context.Context //nolint:containedctx // lives as long as one call of undo
	tx     pgx.Tx
	schema string
	tables schema.Tables
	load   Load
	out    *Undone
	keys   map[latest.Table][]string // of users and accounts that are to be made anew
}

// events removes the rows of all event tables, found by their uuid_ts, which no other load has, and makes users and
// accounts anew without them.
func (u *undoing) events() error {
	for _, l := range latest.Tables() {
		if u.tables[l.Calls] == nil || u.tables[l.Name] == nil {
			continue
		}
		keys, err := l.Keys(u.ctx, u.tx, u.schema, *u.load.UUIDTS)
		if err != nil {
			return err
		}
		u.keys[l] = append(u.keys[l], keys...)
	}
	if err := u.tracks(); err != nil {
		return err
	}
	for _, name := range u.tables.Names() {
		t := u.tables[name]
		if t.View || name == schema.TableUsers || name == schema.TableAccounts || t.Column("uuid_ts") == nil {
			continue
		}
		n, err := u.remove(name, "uuid_ts = $1", *u.load.UUIDTS)
		if err != nil {
			return err
		}
		if n > 0 {
			u.out.Tables[name] = n
		}
	}
	for l, k := range u.keys {
		if len(k) == 0 {
			continue
		}
		refused, err := l.Rebuild(u.ctx, u.tx, u.schema, k, time.Now().UTC().Truncate(time.Microsecond))
		if err != nil {
			return err
		}
		u.out.Rebuilt[l.Name] = int64(len(k) - len(refused))
	}
	return nil
}

// tracks removes the load's rows of a tracks table that somebody else made without uuid_ts: by their ids, as long as the
// events' tables have them.
func (u *undoing) tracks() error {
	t := u.tables[schema.TableTracks]
	if t == nil || t.View || t.Column("id") == nil || t.Column("uuid_ts") != nil {
		return nil
	}
	for _, event := range u.tables.TracksTables() {
		if event.Column("uuid_ts") == nil {
			continue
		}
		n, err := u.remove(t.Name, "id in (select id from "+ident(u.schema, event.Name)+" where uuid_ts = $1)", *u.load.UUIDTS)
		if err != nil {
			return err
		}
		if n > 0 {
			u.out.Tables[t.Name] += n
		}
	}
	return nil
}

// sides removes what the load left beside the event tables. uuid_ts has an index, load has none.
func (u *undoing) sides() (err error) {
	const where = "uuid_ts = $1 and load = $2"
	if u.out.Discards, err = u.remove("_discards", where, *u.load.UUIDTS, u.load.ID); err != nil {
		return err
	}
	if u.out.Quarantined, err = u.remove("_quarantine", where, *u.load.UUIDTS, u.load.ID); err != nil {
		return err
	}
	// A window's row names its last load, but without an earlier one too it is to be read again.
	u.out.Units, err = u.remove("_units", "load = $1 or unit_key = (select unit_key from "+ident(u.schema, "_loads")+" where load = $1)", u.load.ID)
	return err
}

func (u *undoing) close() error {
	loads := ident(u.schema, "_loads")
	if _, err := u.tx.Exec(u.ctx, "update "+loads+" set status = 'undone' where load = $1", u.load.ID); err != nil {
		return fmt.Errorf("mark load: %w", err)
	}
	err := u.tx.QueryRow(u.ctx, "select count(*) from "+loads+" where seq > $1 and status = 'finished' and duplicates > 0",
		u.load.Seq).Scan(&u.out.Shadowed)
	if err != nil {
		return fmt.Errorf("look at later loads: %w", err)
	}
	return nil
}

func (u *undoing) remove(table, where string, args ...any) (int64, error) {
	tag, err := u.tx.Exec(u.ctx, "delete from "+ident(u.schema, table)+" where "+where, args...)
	if err != nil {
		return 0, fmt.Errorf("remove rows of %s: %w", table, err)
	}
	return tag.RowsAffected(), nil
}
