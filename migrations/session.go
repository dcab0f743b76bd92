package migrations

import (
	"context"
	"crypto/sha256"
	"database/sql"
	sqldriver "database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/failpoint"
)

// versionTable is golang-migrate's table in a source's schema; its default name is one that an event could have.
const versionTable = "_migrations"

// session is one connection to Postgres, on which everything about one schema happens: our advisory lock, reading,
// golang-migrate. If this program is killed while a statement runs, the server goes on with it; because the locks are
// the same session's, nobody else begins before that statement has ended.
type session struct {
	schema string
	db     *sql.DB
	// conn is the connection in db. It is used directly between golang-migrate's steps.
	conn   *pgx.Conn
	driver *driver // nil before prepare
	// foreignKey is that of golang-migrate's own advisory lock; 0 before prepare.
	foreignKey int64
	spent      bool // to be closed after this operation
	// begun says that golang-migrate was left in the middle of a file.
	begun bool
	// kept is the number of the file that was kept and is not applied yet; 0 if there is none.
	kept    uint
	options Options
}

func openSession(ctx context.Context, cfg *pgx.ConnConfig, schemaName string, o Options) (*session, error) {
	cfg = cfg.Copy()
	// Nothing prepared is kept: after DDL it would be wrong.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	s := &session{schema: schemaName, options: o}
	s.db = stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		if s.conn != nil {
			// And with it the locks: the operation has to begin again.
			return fmt.Errorf("connection lost: %w", sqldriver.ErrBadConn)
		}
		s.conn = conn
		_, err := conn.PgConn().Exec(ctx, s.settings()).ReadAll()
		return err
	}))
	s.db.SetMaxOpenConns(1)
	s.db.SetMaxIdleConns(1)
	if err := s.db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to postgres: %w", err), s.db.Close())
	}
	return s, nil
}

// settings makes the session independent of what a role, a database or the DSN may have as defaults. Of the timeouts only
// those are set that the server knows: idle_session_timeout came with Postgres 14, transaction_timeout with 17.
func (s *session) settings() string {
	return "set lock_timeout = " + s.lockTimeout() + "; set default_transaction_read_only = off; " +
		"set default_transaction_isolation = 'read committed'; set standard_conforming_strings = on; " +
		"set quote_all_identifiers = off; set client_encoding = 'UTF8'; set client_min_messages = warning; set search_path = ''; " +
		"select pg_catalog.set_config(name, '0', false) from pg_catalog.pg_settings where name in ('statement_timeout', " +
		"'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout')"
}

func (s *session) lockTimeout() string {
	return strconv.FormatInt(max(1, s.options.LockTimeout.Milliseconds()), 10)
}

// close gives up the connection and every lock on it.
func (s *session) close() {
	// A broken connection is closed all the same; there is nothing to do about an error.
	if s.driver != nil {
		_ = s.driver.Close()
	}
	_ = s.db.Close()
	// database/sql leaves a connection open that is in use, and golang-migrate does not give its one back if it fails to
	// open a schema: the locks would be held until the garbage collector finds the socket.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
}

// lockKey is the key of the advisory lock of a schema.
func lockKey(schemaName string) int64 {
	sum := sha256.Sum256([]byte("tapline migrations of schema " + schemaName))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// markKey is the first half of the key of the advisory lock that says since when a schema's lock is held: its second half
// is the time in seconds. Others see the keys of all locks, but of our session only its number.
func markKey(schemaName string) int32 { return int32(lockKey(schemaName) >> 32) }

// lockTurn is how long one statement waits for a schema's advisory lock. Whoever waits has a snapshot, and a concurrent build
// of an index, which may be what the lock's owner waits for, waits for all snapshots older than its own.
const lockTurn = time.Second

// lock waits for the schema's advisory lock until LockWait is over or ctx ends. Whoever has it works for at most as long as
// a migration takes; nothing else is held meanwhile.
func (s *session) lock(ctx context.Context) error {
	for start := time.Now(); ; {
		turn := lockTurn
		if s.options.LockWait > 0 {
			turn = min(turn, s.options.LockWait-time.Since(start))
		}
		err := s.lockWithin(ctx, turn)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || code(err) != "55P03":
			return fmt.Errorf("lock schema %s for migration: %w", s.schema, cause(ctx, err))
		case s.options.LockWait > 0 && time.Since(start) >= s.options.LockWait:
			return s.busy(ctx, lockKey(s.schema), s.options.LockWait, nil)
		}
	}
}

// lockWithin takes the lock, and the mark that says since when, if it is had within a time.
func (s *session) lockWithin(ctx context.Context, wait time.Duration) error {
	key := strconv.FormatInt(lockKey(s.schema), 10)
	mark := strconv.Itoa(int(markKey(s.schema))) + ", (pg_catalog.floor(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()))::bigint % " + markModulus + ")::int4"
	_, err := s.conn.PgConn().Exec(ctx, "set lock_timeout = "+strconv.FormatInt(max(1, wait.Milliseconds()), 10)+"; select pg_catalog.pg_advisory_lock("+key+
		"); select pg_catalog.pg_advisory_lock_shared("+mark+"); set lock_timeout = "+s.lockTimeout()).ReadAll()
	return err
}

func (s *session) unlock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := s.conn.Exec(ctx, "select pg_catalog.pg_advisory_unlock_all()") // golang-migrate's too
	return err
}

// prepare makes golang-migrate's driver for the schema, which has to exist, and repairs what a kill has left. From here on
// until the end of the operation golang-migrate's own command waits: what is read now stays true.
func (s *session) prepare(ctx context.Context) error {
	name, err := databaseName(ctx, s.conn)
	if err != nil {
		return err
	}
	if s.foreignKey, err = foreignKey(name, s.schema); err != nil {
		return err
	}
	if err := s.lockForeign(ctx); err != nil {
		return fmt.Errorf("open schema %s: %w", s.schema, err)
	}
	if s.driver == nil {
		inner, err := migratepgx.WithInstance(s.db, &migratepgx.Config{
			DatabaseName: name, MigrationsTable: versionTable, SchemaName: s.schema,
		})
		if err != nil {
			return fmt.Errorf("open schema %s: %w", s.schema, plain(err))
		}
		failpoint.Hit(committed)
		s.driver = &driver{Driver: inner, conn: s.conn, options: s.options, busy: s.foreign}
		err = patient(ctx, s.options, "comment", func() error { return s.describeVersionTable(ctx) })
		if err != nil {
			return err
		}
	}
	s.driver.ctx = ctx
	return s.heal(ctx)
}

// lockForeign takes golang-migrate's own advisory lock. golang-migrate takes it too, for each step, and gives it back; a session
// can take a lock that it has. While it opens a schema it would give up the first time that the lock is not had.
func (s *session) lockForeign(ctx context.Context) error {
	err := patient(ctx, s.options, "open", func() error {
		_, err := s.conn.Exec(ctx, "select pg_catalog.pg_advisory_lock($1)", s.foreignKey)
		return err
	})
	if err != nil && contended(err) && ctx.Err() == nil {
		return s.foreign(ctx, err)
	}
	return err
}

// databaseName returns the name of the database as golang-migrate's command has it: the path of a URL, with the slash.
func databaseName(ctx context.Context, q catalog.Querier) (string, error) {
	rows, err := q.Query(ctx, "select '/' || pg_catalog.current_database()")
	if err != nil {
		return "", fmt.Errorf("read name of the database: %w", err)
	}
	name, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	if err != nil {
		return "", fmt.Errorf("read name of the database: %w", err)
	}
	return name, nil
}

// foreignKey returns the key of golang-migrate's own advisory lock, which is made of the database's name. Only with the
// very name that its command has do the two exclude each other.
func foreignKey(of, schemaName string) (int64, error) {
	key, err := database.GenerateAdvisoryLockId(of, schemaName, versionTable)
	if err != nil {
		return 0, fmt.Errorf("name golang-migrate's lock: %w", err)
	}
	return strconv.ParseInt(key, 10, 64)
}

// foreign is the error of golang-migrate's own lock, which its command may have.
func (s *session) foreign(ctx context.Context, err error) error {
	return s.busy(ctx, s.foreignKey, max(s.options.RetryFor, s.options.LockTimeout), err)
}

// mayMigrate returns a *RoleError if the role may not write golang-migrate's version. golang-migrate would find out too, but
// only after it has begun to read the file, in a goroutine that then waits for ever.
func (s *session) mayMigrate(ctx context.Context) error {
	var role string
	var may bool
	err := s.conn.QueryRow(ctx, "select current_user, pg_catalog.has_table_privilege($1, 'truncate')", qualified(s.schema, versionTable)).
		Scan(&role, &may)
	if err != nil {
		return fmt.Errorf("check rights in schema %s: %w", s.schema, err)
	}
	if !may {
		return &RoleError{Schema: s.schema, Role: role}
	}
	return nil
}

// createSchema makes the schema if it is not there. Postgres's IF NOT EXISTS is not safe against others who do the same,
// and wants the right to create schemas even if there is nothing to do, which a role may lack where a DBA made them.
func (s *session) createSchema(ctx context.Context) error {
	exists, err := catalog.Exists(ctx, s.conn, s.schema)
	if err != nil || exists {
		return err
	}
	for range 3 {
		err = patient(ctx, s.options, "create schema", func() error {
			_, err := s.conn.Exec(ctx, "create schema if not exists "+ident(s.schema))
			return err
		})
		if !raced(err) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("create schema %s: %w", s.schema, err)
	}
	failpoint.Hit(committed)
	return nil
}

// describeVersionTable gives golang-migrate's table the comments that every other table has.
func (s *session) describeVersionTable(ctx context.Context) error {
	table := qualified(s.schema, versionTable)
	var described bool
	err := s.conn.QueryRow(ctx, `select pg_catalog.obj_description($1::regclass, 'pg_class') is not null`, table).
		Scan(&described)
	if err != nil || described {
		return err
	}
	_, err = s.conn.PgConn().Exec(ctx, describeVersions(table)).ReadAll()
	failpoint.Hit(committed)
	return err
}

// describeVersions comments golang-migrate's table of that qualified name.
func describeVersions(table string) string {
	return "comment on table " + table + " is 'The version of this schema, as golang-migrate keeps it.';\n" +
		"comment on column " + table + ".\"version\" is 'Number of the last migration that was begun.';\n" +
		"comment on column " + table + ".\"dirty\" is 'Whether that migration was begun and not finished.';\n"
}
