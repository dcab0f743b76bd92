package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// load empties the tables and runs tapline. Its time ends at its last COMMIT: what it prints afterwards, and the
// ANALYZE that psql does not do, are not part of it.
func (b *bench) load(ctx context.Context) (Run, error) {
	for _, t := range append([]string{"_units", "_loads", "_discards", "_quarantine"}, b.tables...) {
		if _, err := b.conn.Exec(ctx, "truncate "+pgx.Identifier{ours, t}.Sanitize()); err != nil {
			return Run{}, fmt.Errorf("empty %s: %w", t, err)
		}
	}
	if err := b.settle(ctx); err != nil {
		return Run{}, err
	}
	cmd := b.command(ctx)
	var out bytes.Buffer
	cmd.Stdout = &out
	start := time.Now()
	if _, err := b.time(cmd); err != nil {
		return Run{}, err
	}
	var report struct {
		Committed time.Time `json:"committed_at"`
		MaxRSS    int64     `json:"max_rss_bytes"`
	}
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		return Run{}, fmt.Errorf("read tapline's report: %w", err)
	}
	if err := b.count(ctx, ours); err != nil {
		return Run{}, err
	}
	run := b.used(cmd, report.Committed.Sub(start))
	run.MaxRSS = report.MaxRSS
	return run, nil
}

// psql returns a run of \copy from the files exported in the given order, in one transaction.
func (b *bench) psql(order string) func(context.Context) (Run, error) {
	return func(ctx context.Context) (Run, error) {
		args := []string{"--no-psqlrc", "--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", b.DSN}
		for _, t := range b.tables {
			if _, err := b.conn.Exec(ctx, "truncate "+pgx.Identifier{theirs, t}.Sanitize()); err != nil {
				return Run{}, fmt.Errorf("empty %s: %w", t, err)
			}
			args = append(args, "--command", fmt.Sprintf(`\copy %s from '%s' with (format binary)`,
				pgx.Identifier{theirs, t}.Sanitize(), b.exported(t, order)))
		}
		if err := b.settle(ctx); err != nil {
			return Run{}, err
		}
		run, err := b.time(exec.CommandContext(ctx, b.Psql, args...))
		if err != nil {
			return Run{}, err
		}
		return run, b.count(ctx, theirs)
	}
}

func (b *bench) exported(table, order string) string {
	return filepath.Join(b.Dir, table+"."+order+".copy")
}

// settle writes out what the run before has left to write, so that this one does not pay for it.
func (b *bench) settle(ctx context.Context) error {
	if _, err := b.conn.Exec(ctx, "checkpoint"); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// count checks that a run brought all rows in.
func (b *bench) count(ctx context.Context, schemaName string) error {
	var sum int64
	for _, t := range b.tables {
		var n int64
		if err := b.conn.QueryRow(ctx, "select count(*) from "+pgx.Identifier{schemaName, t}.Sanitize()).Scan(&n); err != nil {
			return fmt.Errorf("count %s: %w", t, err)
		}
		sum += n
	}
	if sum != b.rows {
		return fmt.Errorf("%s has %d rows, want %d", schemaName, sum, b.rows)
	}
	return nil
}

// export writes the loaded rows into files, in heap order and by id, and makes psql's tables.
func (b *bench) export(ctx context.Context, r *Result) error {
	if _, err := b.conn.Exec(ctx, "create schema "+theirs); err != nil {
		return fmt.Errorf("create schema: %w", err)
	}
	rows, err := b.conn.Query(ctx, "select relname from pg_class where relnamespace = $1::regnamespace and relkind = 'r'"+
		" and relname !~ '^_' order by relname", ours)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	var filled float64
	for _, t := range names {
		var n int64
		var columns float64
		table := pgx.Identifier{ours, t}.Sanitize()
		err := b.conn.QueryRow(ctx, "select count(*), coalesce(avg((select count(*) from json_each(to_json(t)) where value::text <> 'null')), 0)"+
			" from (select * from "+table+" limit 1000) t").Scan(&n, &columns)
		if err == nil {
			err = b.conn.QueryRow(ctx, "select count(*) from "+table).Scan(&n)
		}
		if err != nil {
			return fmt.Errorf("look at %s: %w", t, err)
		}
		if n == 0 {
			continue
		}
		b.tables, b.rows, filled = append(b.tables, t), b.rows+n, filled+columns*float64(n)
		if err := b.exportTable(ctx, t); err != nil {
			return err
		}
	}
	if b.rows == 0 {
		return errors.New("the first load brought no rows")
	}
	r.Columns = filled / float64(b.rows)
	return nil
}

func (b *bench) exportTable(ctx context.Context, t string) error {
	from, to := pgx.Identifier{ours, t}.Sanitize(), pgx.Identifier{theirs, t}.Sanitize()
	if _, err := b.conn.Exec(ctx, "create table "+to+" (like "+from+" including all)"); err != nil {
		return fmt.Errorf("create %s: %w", to, err)
	}
	script := fmt.Sprintf("\\copy (select * from %s) to '%s' with (format binary)\n\\copy (select * from %s order by id) to '%s' with (format binary)\n",
		from, b.exported(t, "heap"), from, b.exported(t, "byid"))
	cmd := exec.CommandContext(ctx, b.Psql, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", b.DSN)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("export %s: %w: %s", t, err, out)
	}
	return nil
}

// dropSchemas removes what the benchmark made in the database.
func (b *bench) dropSchemas(ctx context.Context, err error) error {
	for _, s := range []string{ours, theirs} {
		if _, e := b.conn.Exec(ctx, "drop schema if exists "+s+" cascade"); e != nil {
			err = errors.Join(err, fmt.Errorf("drop schema %s: %w", s, e))
		}
	}
	var sources bool
	if e := b.conn.QueryRow(ctx, "select to_regclass('tapline.sources') is not null").Scan(&sources); e == nil && sources {
		if _, e := b.conn.Exec(ctx, "delete from tapline.sources where schema_name = $1", ours); e != nil {
			err = errors.Join(err, fmt.Errorf("forget source: %w", e))
		}
	}
	return err
}
