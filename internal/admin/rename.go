package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/ledger"
	"github.com/tapline/tapline/internal/source/waiting"
	"github.com/tapline/tapline/migrations"
)

// Renamed is what Rename did.
type Renamed struct {
	From   Source   `json:"from"`
	To     Source   `json:"to"`
	DryRun bool     `json:"dry_run"`
	SQL    []string `json:"sql"`
	// Migrations is how many kept migrations name the schema and were rewritten.
	Migrations int `json:"migrations"`
}

// AtWorkError says that something else was at work on a source for as long as Rename waited.
type AtWorkError struct {
	Source string
	Waited time.Duration
	Err    error
}

// Error says what to do.
func (e *AtWorkError) Error() string {
	return fmt.Sprintf("a load, a replay or a migration of source %s is at work and did not end within %s: run the command again "+
		"later, or give it more time with --wait. Nothing was changed", e.Source, e.Waited)
}

// Unwrap returns the server's answer.
func (e *AtWorkError) Unwrap() error { return e.Err }

// RenameOptions are those of Rename.
type RenameOptions struct {
	// Wait is how long to try for the locks of the source's loads and migrations.
	Wait time.Duration
	// LockTimeout is how long each try waits for one: loads that begin wait behind it. Defaults to 300 ms.
	LockTimeout time.Duration
	// DryRun changes nothing.
	DryRun bool
}

// Rename gives a source and its schema other names, in one transaction: the schema, its row among the sources, what waits
// in quarantine, and the texts of the kept migrations. Views and grants follow by themselves, and so does the ledger: files
// that are loaded stay loaded. The error is ErrNotFound if there is no source from, a *migrations.ExistsError if a new name is
// taken, and an *AtWorkError.
func Rename(ctx context.Context, db Beginner, r migrations.Renaming, o RenameOptions) (*Renamed, error) {
	if o.LockTimeout <= 0 {
		o.LockTimeout = 300 * time.Millisecond
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, 2*time.Second
	var atWork error
	out, err := backoff.Retry(ctx, func() (*Renamed, error) {
		var out *Renamed
		err := pgx.BeginTxFunc(ctx, db, ledger.Options(), func(tx pgx.Tx) (err error) {
			out, err = rename(ctx, tx, r, o)
			return err
		})
		if err != nil && (!migrations.LockNotHad(err) || ctx.Err() != nil) {
			return nil, backoff.Permanent(err)
		}
		atWork = err
		return out, err
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(max(o.Wait, time.Millisecond)))
	switch {
	case err == nil:
		return out, nil
	case atWork != nil && migrations.LockNotHad(err):
		return nil, &AtWorkError{r.From.Nickname, o.Wait, err}
	}
	return nil, fmt.Errorf("rename source %s: %w", r.From.Nickname, err)
}

func rename(ctx context.Context, tx pgx.Tx, r migrations.Renaming, o RenameOptions) (*Renamed, error) {
	if err := ledger.Settle(ctx, tx); err != nil {
		return nil, err
	}
	out := &Renamed{DryRun: o.DryRun}
	if !o.DryRun {
		if err := lockSource(ctx, tx, r, o.LockTimeout); err != nil {
			return nil, err
		}
	}
	err := tx.QueryRow(ctx, "select nickname, schema_name, kind from "+ident(migrations.ControlSchema, "sources")+
		" where nickname = $1 and schema_name = $2", r.From.Nickname, r.From.Schema).Scan(&out.From.Nickname, &out.From.Schema, &out.From.Kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	} else if err != nil {
		return nil, err
	}
	out.To = Source{r.To.Nickname, r.To.Schema, out.From.Kind}
	if err := r.Check(ctx, tx); err != nil {
		return nil, err
	}
	tables, err := r.Tables(ctx, tx)
	if err != nil {
		return nil, err
	}
	out.SQL = r.Statements(tables)
	if o.DryRun {
		return out, tx.QueryRow(ctx, "select count(*) from "+ident(r.From.Schema, "_migration_files")+
			" where up is not null or down is not null").Scan(&out.Migrations)
	}
	out.Migrations, err = r.Apply(ctx, tx)
	return out, err
}

// lockSource waits until nothing is at work on the source, and keeps everything else from it until tx ends.
func lockSource(ctx context.Context, tx pgx.Tx, r migrations.Renaming, timeout time.Duration) error {
	_, err := tx.Exec(ctx, "select set_config('lock_timeout', $1, true)", fmt.Sprintf("%dms", max(1, timeout.Milliseconds())))
	if err != nil {
		return err
	}
	if err := r.Lock(ctx, tx); err != nil {
		return err
	}
	// Somebody else may have renamed it meanwhile: then there is no such table, and rename finds no such source.
	var there bool
	err = tx.QueryRow(ctx, "select to_regclass($1) is not null", ident(r.From.Schema, "_units")).Scan(&there)
	if err != nil || !there {
		return err
	}
	if err := waiting.Lock(ctx, tx, r.From.Schema); err != nil {
		return err
	}
	l := ledger.New(r.From.Schema)
	if err := l.Wait(ctx, tx); err != nil {
		return err
	}
	return l.Lock(ctx, tx)
}
