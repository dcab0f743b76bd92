package federate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// piece is a run of loads whose rows were read at once, or a stretch of one large load.
type piece struct {
	loads   []load
	tables  *tables
	spool   spool
	ordered bool     // the rows are those of one load, by table and id: the cursor can stand between them
	ranges  []span   // where the rows stand by uuid_ts: see reader.ranges
	start   position // where it begins
	end     position // where it ends
}

func (p *piece) close() { p.spool.close() }

// before is the seq of a position within the piece's only load: the load is the next one after it.
func (p *piece) before() int64 { return p.loads[0].seq - 1 }

// rows is how many rows the loads of the piece have, whatever the filters leave of them.
func (p *piece) rows() (n int64) {
	for i := range p.loads {
		n += p.loads[i].rows
	}
	return n
}

// load is a row of _loads.
type load struct {
	seq    int64
	uuidTS time.Time
	rows   int64
}

// reader reads pieces of one source, one after the other. It holds a connection and a transaction only while it reads.
type reader struct {
	f      *Federator
	d      *Destination
	schema string
	pos    position
	tables *tables
}

func newReader(f *Federator, d *Destination, schemaName string) *reader {
	return &reader{f: f, d: d, schema: schemaName}
}

func (r *reader) name(table string) string { return pgx.Identifier{r.schema, table}.Sanitize() }

// next reads the piece after the last one; nil if there is none yet.
func (r *reader) next(ctx context.Context) (*piece, error) {
	for attempt := 0; ; attempt++ {
		p, err := r.read(ctx)
		switch {
		case err == nil || !altered(err):
			return p, err
		case attempt == 2:
			return nil, r.explain(ctx, err)
		}
		r.tables = nil // a column came, went or became wider meanwhile
	}
}

// explain looks whether a schema is not there because nothing was loaded into the source yet, which is no error, or because
// it has another name by now.
func (r *reader) explain(ctx context.Context, err error) error {
	src, sourceErr := readSource(ctx, r.f.pool, r.d.Source)
	switch there, thereErr := isThere(ctx, r.f.pool, r.schema); {
	case sourceErr != nil || thereErr != nil:
		return errors.Join(sourceErr, thereErr)
	case src.schema != r.schema:
		return errChanged
	case !there:
		return nil
	}
	return err
}

// isThere reports whether anything can have been loaded into a schema.
func isThere(ctx context.Context, db DB, schemaName string) (there bool, err error) {
	err = db.QueryRow(ctx, "select pg_catalog.to_regclass($1) is not null", pgx.Identifier{schemaName, "_loads"}.Sanitize()).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("look for schema %s: %w", schemaName, err)
	}
	return there, nil
}

// errAltered says that a table is not any more what the plan says.
var errAltered = errors.New("a table was altered")

func altered(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, errAltered) || errors.As(err, &pg) && slices.Contains([]string{"42703", "42P01", "3F000", "0A000"}, pg.Code)
}

func (r *reader) read(ctx context.Context) (*piece, error) {
	var p *piece
	release, err := r.f.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, r.f.pool, options, func(tx pgx.Tx) (err error) {
		p, err = r.within(ctx, tx)
		return err
	})
	if err != nil {
		if p != nil {
			p.close()
		}
		return nil, fmt.Errorf("read loads of %s: %w", r.schema, err)
	}
	if p != nil {
		hit("federate-read")
		r.pos = p.end
	}
	return p, nil
}

// settings: the rows of a load stand together, and the BRIN index on uuid_ts finds them; what the planner believes of a
// table without statistics must not make it read the whole table, or go through the key.
const readSettings = "set local enable_seqscan = off; set local enable_indexscan = off; set local enable_indexonlyscan = off; " +
	"set local jit = off; set local max_parallel_workers_per_gather = 0; set local statement_timeout = 0; " +
	"set local idle_in_transaction_session_timeout = 0; set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; " +
	"set local extra_float_digits = 1; set local bytea_output = 'hex'"

func (r *reader) within(ctx context.Context, tx pgx.Tx) (*piece, error) {
	p, err := r.choose(ctx, tx)
	if err != nil || p == nil {
		return nil, err
	}
	if p.ranges, err = r.ranges(ctx, tx, p); err != nil {
		return p, err
	}
	if _, err := tx.Exec(ctx, readSettings); err != nil {
		return p, err
	}
	if err := r.plan(ctx, tx); err != nil {
		return p, err
	}
	p.tables = r.tables
	conn := tx.Conn().PgConn()
	for i := range p.tables.list {
		if p.start.table != "" && p.tables.list[i].name < p.start.table {
			continue
		}
		full, err := r.rows(ctx, conn, p, i)
		if err != nil {
			return p, fmt.Errorf("table %s: %w", p.tables.list[i].name, err)
		}
		if full {
			break
		}
	}
	return p, p.spool.finish()
}

// plan reads how the tables are, unless that is known and no migration came since.
func (r *reader) plan(ctx context.Context, tx pgx.Tx) error {
	var version string
	err := tx.QueryRow(ctx, "select count(*) || ' ' || coalesce(max(applied_at)::text, '') from "+r.name("_migration_files")+
		" where applied_at is not null").Scan(&version)
	if err != nil {
		return err
	}
	if r.tables != nil && r.tables.version == version {
		return nil
	}
	r.tables, err = readTables(ctx, tx, r.schema, version, &r.d.Settings)
	return err
}

// partRows is how many rows are sent before the cursor moves: less for a destination that is slow by its settings.
func (r *reader) partRows() int {
	n := r.f.opt.PieceRows
	if rate := r.d.Settings.Rate; rate > 0 {
		n = min(n, max(1, int(rate*10)))
	}
	return n
}

// choose returns the piece of the next loads, still without rows: as many as have partRows rows together, or one that has
// more alone.
func (r *reader) choose(ctx context.Context, tx pgx.Tx) (*piece, error) {
	rows, err := tx.Query(ctx, "select seq, uuid_ts, rows, status = 'finished' and uuid_ts is not null from "+r.name("_loads")+
		" where seq > $1 order by seq limit 1000", r.pos.seq)
	if err != nil {
		return nil, err
	}
	p := &piece{start: r.pos, end: position{seq: r.pos.seq}}
	var l load
	var at *time.Time
	var finished, enough, looked bool
	var sum int64
	limit := int64(r.partRows())
	_, err = pgx.ForEachRow(rows, []any{&l.seq, &at, &l.rows, &finished}, func() error {
		if !looked && (!finished || l.seq != r.pos.seq+1) {
			// The load that the cursor stands in was taken out meanwhile: of the next one nothing is done yet.
			p.start.table, p.start.row, p.start.partRows = "", "", 0
		}
		looked = true
		if enough {
			return nil
		}
		if !finished { // undone, or it was: there are no rows
			p.end.seq = l.seq
			return nil
		}
		if alone := p.start.table != "" || l.rows > limit; len(p.loads) > 0 && (alone || sum+l.rows > limit) {
			enough = true
			return nil
		}
		l.uuidTS = *at
		sum += l.rows
		p.loads, p.end.seq = append(p.loads, l), l.seq
		p.ordered = p.start.table != "" || l.rows > limit
		enough = p.ordered
		return nil
	})
	if err != nil {
		return nil, err
	}
	if p.end.seq == r.pos.seq {
		return nil, r.numbered(ctx, tx)
	}
	p.spool.limit = spoolMemory
	return p, nil
}

// numbered makes sure that the loads are those that the cursor has counted: the newest one always stays. In a schema that
// was made anew they begin with 1 again, and those up to the cursor would never be sent.
func (r *reader) numbered(ctx context.Context, tx pgx.Tx) error {
	if r.pos.seq == 0 {
		return nil
	}
	var newest int64
	if err := tx.QueryRow(ctx, "select coalesce(max(seq), 0) from "+r.name("_loads")).Scan(&newest); err != nil {
		return err
	}
	if newest >= r.pos.seq {
		return nil
	}
	return setupError{fmt.Errorf("%d loads are sent, and schema %s has %d: it was made anew, and its first loads would be left out. "+
		"To send all of it: tapline destination remove %s, and add it again", r.pos.seq, r.schema, newest, r.d.Name)}
}

// rows reads the rows of one table into the piece. It reports whether the piece is full before the load is.
func (r *reader) rows(ctx context.Context, conn *pgconn.PgConn, p *piece, i int) (full bool, err error) {
	if len(p.loads) == 0 {
		return false, nil
	}
	t := &p.tables.list[i]
	sql, params := r.statement(p, t)
	result := conn.ExecParams(ctx, sql, params, nil, nil, t.formats)
	defer func() {
		if _, closeErr := result.Close(); err == nil {
			err = closeErr
		}
	}()
	checked := false
	for result.NextRow() {
		if !checked {
			if err := t.check(result.FieldDescriptions()); err != nil {
				return false, err
			}
			checked = true
		}
		values := result.Values()
		if full {
			continue // the rest of the result has to be read to its end
		}
		if err := p.spool.add(i, values); err != nil {
			return false, err
		}
		if p.ordered && p.spool.full() {
			full = true
			p.end = position{seq: p.before(), table: t.name, row: string(values[0]), partRows: p.start.partRows + p.spool.rows}
		}
	}
	return full, nil
}

// check makes sure that all columns have the types that they had when the plan was made.
func (t *table) check(fields []pgconn.FieldDescription) error {
	for i := range fields {
		if t.columns[i].oid != fields[i].DataTypeOID {
			return errAltered
		}
	}
	return nil
}

// pending is how many rows come after a position.
func (r *reader) pending(ctx context.Context, after position) (n int64, err error) {
	err = r.f.pool.QueryRow(ctx, "select coalesce(sum(rows), 0)::bigint from "+r.name("_loads")+
		" where seq > $1 and status = 'finished'", after.seq).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count pending rows: %w", err)
	}
	return max(0, n-after.partRows), nil
}
