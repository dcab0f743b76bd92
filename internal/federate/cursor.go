package federate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// The tables of the control schema.
const (
	destinations = `"` + migrations.ControlSchema + `"."destinations"`
	cursors      = `"` + migrations.ControlSchema + `"."cursors"`
	undelivered  = `"` + migrations.ControlSchema + `"."_undelivered"`
	sources      = `"` + migrations.ControlSchema + `"."sources"`
)

var errNotSetUp = errors.New("this database is not set up for destinations: add one first")

// notSetUp tells from others the error of a control schema that is missing or of an earlier release.
func notSetUp(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000") {
		return fmt.Errorf("%w (%w)", errNotSetUp, err)
	}
	return err
}

// hit marks a point at which tests kill the process.
func hit(name string) { failpoint.Hit(name) }

// position is how far a destination is: all loads up to seq are done, and of a large load, which then is number seq+1, the
// rows up to (table, row).
type position struct {
	seq        int64
	table, row string // empty between two loads
	partRows   int64
}

// cursor is the row of a destination in cursors, and this session's lease of it.
type cursor struct {
	pool        *pgxpool.Pool
	destination string
	owner       uuid.UUID
}

func newCursor(pool *pgxpool.Pool, destination string) cursor {
	return cursor{pool, destination, uuid.New()}
}

// acquire takes the lease. The error is ErrLeased if another session has it.
func (c *cursor) acquire(ctx context.Context, lease time.Duration) (position, error) {
	var p position
	err := c.pool.QueryRow(ctx, "update "+cursors+` set lease_owner = $2, lease_until = clock_timestamp() + $3
		where destination = $1 and (lease_until is null or lease_until < clock_timestamp())
		returning seq, coalesce(table_name, ''), coalesce(row_id, ''), part_rows`, c.destination, c.owner, lease).
		Scan(&p.seq, &p.table, &p.row, &p.partRows)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return p, ErrLeased
	case err != nil:
		return p, fmt.Errorf("acquire lease: %w", err)
	}
	return p, nil
}

// renew makes the lease longer and notes the destination's trouble, if any. It returns the destination's mark and status.
func (c *cursor) renew(ctx context.Context, lease time.Duration, trouble string) (mark, status string, err error) {
	ctx, cancel := context.WithTimeout(ctx, max(lease/4, time.Second))
	defer cancel()
	err = c.pool.QueryRow(ctx, "with c as (update "+cursors+` set lease_until = clock_timestamp() + $3
			where destination = $1 and lease_owner = $2 returning destination)
		select d.mark, d.status from (select name, status, `+markSQL+` as mark from `+destinations+`) d join c on c.destination = d.name`,
		c.destination, c.owner, lease).Scan(&mark, &status)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", "", errLost
	case err != nil || trouble == "" || status == Paused:
		return mark, status, err
	}
	_, err = c.pool.Exec(ctx, "update "+destinations+" set status = $2, last_error = $3, last_error_at = now() "+
		"where name = $1 and status <> '"+Paused+"'", c.destination, Retrying, trouble)
	return mark, status, err
}

// release gives the lease back, so that the next session need not wait for its end.
func (c *cursor) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	// If this fails the lease ends by itself.
	_, _ = c.pool.Exec(ctx, "update "+cursors+" set lease_owner = null, lease_until = null where destination = $1 and lease_owner = $2",
		c.destination, c.owner)
}

// advance notes in one transaction that a part is done: what was not taken, and where the next begins.
func (c *cursor) advance(ctx context.Context, p *part, p95 time.Duration) error {
	err := pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
		if err := insertUndelivered(ctx, tx, c.destination, p.undelivered); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "update "+cursors+` set seq = $3, table_name = nullif($4, ''), row_id = nullif($5, ''), part_rows = $6,
			delivered = delivered + $7, filtered = filtered + $8, latency_p95 = coalesce(nullif($9::float8, 0), latency_p95), sent_at = clock_timestamp()
			where destination = $1 and lease_owner = $2`,
			c.destination, c.owner, p.end.seq, p.end.table, p.end.row, p.end.partRows, p.sent, p.filtered, p95.Seconds())
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errLost
		}
		_, err = tx.Exec(ctx, "update "+destinations+" set status = '"+Active+"', last_error = null, last_error_at = null "+
			"where name = $1 and (status = '"+Retrying+"' or status = '"+Active+"' and last_error is not null)", c.destination)
		if err != nil {
			return err
		}
		hit("federate-before-commit")
		return nil
	})
	if err != nil {
		return fmt.Errorf("move cursor: %w", err)
	}
	return nil
}

// keepUndelivered notes what was not taken in a replay, which has no cursor, and forgets what was not taken before and
// has arrived now.
func (c *cursor) keepUndelivered(ctx context.Context, p *part) error {
	return pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
		// To the client what was refused has arrived as well: that comes after this.
		_, err := tx.Exec(ctx, "delete from "+undelivered+" where destination = $1 and message_id = any ($2)", c.destination, p.delivered)
		if err != nil {
			return fmt.Errorf("forget messages that have arrived: %w", err)
		}
		return insertUndelivered(ctx, tx, c.destination, p.undelivered)
	})
}

func insertUndelivered(ctx context.Context, db DB, destination string, all []Undelivered) error {
	for i := range all {
		u := &all[i]
		_, err := db.Exec(ctx, "insert into "+undelivered+` (destination, message_id, table_name, row_id, reason, response, message)
			values ($1, $2, $3, $4, $5, nullif($6, ''), $7) on conflict (destination, message_id) do update set reason = excluded.reason,
			response = excluded.response, message = excluded.message, at = now()`,
			destination, u.MessageID, u.Table, u.RowID, u.Reason, u.Response, string(u.Message))
		if err != nil {
			return fmt.Errorf("write undelivered message of row %s of %s: %w", u.RowID, u.Table, err)
		}
	}
	return nil
}

// pause notes that the destination refuses everything.
func (c *cursor) pause(ctx context.Context, reason string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return change(ctx, c.pool, c.destination, "status = '"+Paused+"', last_error = $2, last_error_at = now()", reason)
}

// untried reports whether a destination has never taken a message.
func untried(ctx context.Context, db DB, name string) (bool, error) {
	var none bool
	err := db.QueryRow(ctx, "select delivered = 0 from "+cursors+" where destination = $1", name).Scan(&none)
	if err != nil {
		return false, fmt.Errorf("read cursor of %s: %w", name, err)
	}
	return none, nil
}

// noteError notes why nothing is sent at the moment. That it cannot be noted is no news: mostly it is the reason.
func (f *Federator) noteError(ctx context.Context, name string, err error) {
	_ = change(ctx, f.pool, name, "last_error = $2, last_error_at = now()", err.Error())
}

// markSQL changes when a destination's settings do.
const markSQL = `md5(concat_ws(E'\n', endpoint, region, key_from, settings))`

func getMarked(ctx context.Context, db DB, name string) (*Destination, string, error) {
	var mark string
	err := db.QueryRow(ctx, "select "+markSQL+" from "+destinations+" where name = $1", name).Scan(&mark)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, "", notSetUp(fmt.Errorf("read destination %s: %w", name, err))
	}
	d, err := Get(ctx, db, name)
	return d, mark, err
}

// source is what the control schema knows of a source.
type source struct{ schema, region string }

// readSource finds a source by its nickname.
func readSource(ctx context.Context, db DB, nickname string) (source, error) {
	var s source
	err := db.QueryRow(ctx, "select schema_name, coalesce(settings ->> 'region', '') from "+sources+" where nickname = $1", nickname).
		Scan(&s.schema, &s.region)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, fmt.Errorf("there is no source %q in this database: load something first, or see tapline source list", nickname)
	}
	if err != nil {
		return s, notSetUp(fmt.Errorf("read source %s: %w", nickname, err))
	}
	return s, nil
}

// sameRegion makes sure that a destination of a source without a region is where the others are.
func sameRegion(ctx context.Context, db DB, d *Destination) error {
	var name, region string
	err := db.QueryRow(ctx, "select name, region from "+destinations+" where source = $1 and region <> $2 and name <> $3 order by name limit 1",
		d.Source, d.Region, d.Name).
		Scan(&name, &region)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return notSetUp(fmt.Errorf("read destinations of source %s: %w", d.Source, err))
	}
	return &RegionError{Destination: d.Name, Region: d.Region, Source: d.Source, SourceRegion: region, Other: name}
}

// RegionOf returns the region of a source, empty if it has none.
func RegionOf(ctx context.Context, db DB, nickname string) (string, error) {
	src, err := readSource(ctx, db, nickname)
	return src.region, err
}

func insertDestination(ctx context.Context, db DB, d *Destination, fromNow bool) error {
	src, err := readSource(ctx, db, d.Source)
	if err != nil {
		return err
	}
	if err := d.Check(src.region); err != nil {
		return err
	}
	if src.region == "" {
		if err := sameRegion(ctx, db, d); err != nil {
			return err
		}
	}
	d.Settings.IDSource = d.Source
	settings, err := json.Marshal(d.Settings)
	if err != nil {
		return fmt.Errorf("encode settings of destination %s: %w", d.Name, err)
	}
	seq := "0"
	there, err := isThere(ctx, db, src.schema)
	if err != nil {
		return err
	}
	if fromNow && there {
		if err := schema.CheckSchemaName(src.schema); err != nil {
			return err
		}
		seq = "(select coalesce(max(seq), 0) from " + pgx.Identifier{src.schema, "_loads"}.Sanitize() + ")"
	}
	_, err = db.Exec(ctx, "with d as (insert into "+destinations+" (name, source, endpoint, region, key_from, settings) "+
		"values ($1, $2, $3, $4, $5, $6) returning name) insert into "+cursors+" (destination, seq) select name, "+seq+" from d",
		d.Name, d.Source, d.Endpoint, d.Region, d.KeyFrom, string(settings))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		return fmt.Errorf("destination %s: %w", d.Name, ErrExists)
	}
	if err != nil {
		return notSetUp(fmt.Errorf("add destination %s: %w", d.Name, err))
	}
	return nil
}
