package migrations

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/schema"
)

// Migrator changes one schema. It has one connection of its own, which needs Postgres itself or a pooler in session
// mode: it holds advisory locks. Its methods may be called by several goroutines; they work one after the other.
type Migrator struct {
	cfg     *pgx.ConnConfig
	schema  string
	options Options

	mu      sync.Mutex
	session *session // nil after an error: the next operation connects again
}

// Open connects to the database of cfg, which is copied. schemaName is the schema of one source (see
// schema.SchemaName); it need not exist. Close the Migrator when done.
func Open(ctx context.Context, cfg *pgx.ConnConfig, schemaName string, o Options) (*Migrator, error) {
	if err := schema.CheckSchemaName(schemaName); err != nil {
		return nil, err
	}
	m := &Migrator{cfg: cfg.Copy(), schema: schemaName, options: o.withDefaults()}
	var err error
	if m.session, err = openSession(ctx, m.cfg, schemaName, m.options); err != nil {
		return nil, err
	}
	return m, nil
}

// Close closes the connection. It may be called twice.
func (m *Migrator) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop()
}

// read does something that needs neither lock nor privileges.
func (m *Migrator) read(ctx context.Context, do func(*session) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.connected(ctx)
	if err != nil {
		return err
	}
	if err := do(s); err != nil {
		m.drop()
		return cause(ctx, err)
	}
	if s.spent {
		m.drop()
	}
	return nil
}

// change does something under the schema's advisory lock.
func (m *Migrator) change(ctx context.Context, do func(*session) error) error {
	if m.options.Managed {
		return ErrManaged
	}
	return m.read(ctx, func(s *session) error {
		if err := s.lock(ctx); err != nil {
			return err
		}
		if err := do(s); err != nil {
			m.heal(ctx, s)
			return err // the connection is given up and the lock with it
		}
		return s.unlock(ctx)
	})
}

// heal does over a new connection what a session that failed could not do itself: its connection is lost, as it is when a
// context ends while an answer is awaited. What cannot be done now either, the next change does.
func (m *Migrator) heal(ctx context.Context, failed *session) {
	if !failed.begun && failed.kept == 0 {
		return
	}
	m.drop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	s, err := openSession(ctx, m.cfg, m.schema, m.options)
	if err == nil {
		m.session = s
		err = s.heals(ctx, failed.kept)
	}
	if err != nil {
		m.options.Logger.WarnContext(ctx, "what a failed migration has left stays until the next one",
			slog.String("schema", m.schema), slog.Any("error", err))
	}
}

// connected returns the session, a new one if the last is gone: Postgres may have been restarted in between.
func (m *Migrator) connected(ctx context.Context) (*session, error) {
	if m.session != nil && m.session.conn.Ping(ctx) != nil {
		m.drop()
	}
	if m.session == nil {
		s, err := openSession(ctx, m.cfg, m.schema, m.options)
		if err != nil {
			return nil, cause(ctx, err)
		}
		m.session = s
	}
	return m.session, nil
}

func (m *Migrator) drop() {
	if m.session != nil {
		m.session.close()
		m.session = nil
	}
}

// Version returns the number of the last migration that is applied, 0 if none is. dirty says that one was interrupted
// after that; the next change repairs it.
func (m *Migrator) Version(ctx context.Context) (version uint, dirty bool, err error) {
	err = m.read(ctx, func(s *session) error {
		truth, err := s.lastApplied(ctx)
		if err != nil {
			return err
		}
		version = uint(max(truth, 0))
		err = s.conn.QueryRow(ctx, "select coalesce(bool_or(dirty), false) from "+qualified(s.schema, versionTable)).
			Scan(&dirty)
		if missing(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("read version of schema %s: %w", m.schema, err)
	}
	return version, dirty, nil
}

// Files returns all migrations of the schema with their texts, in order, applied or not.
func (m *Migrator) Files(ctx context.Context) ([]File, error) {
	var files []File
	err := m.read(ctx, func(s *session) (err error) {
		files, err = s.files(ctx, 0)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list migrations of schema %s: %w", m.schema, err)
	}
	return files, nil
}

// Tables returns the tables of the schema as they are now.
func (m *Migrator) Tables(ctx context.Context) (schema.Tables, error) {
	var tables schema.Tables
	err := m.read(ctx, func(s *session) (err error) {
		tables, err = catalog.Read(ctx, s.conn, m.schema)
		return err
	})
	return tables, err
}

// List returns all migrations of the schema in order, applied or not, without their texts: Up is only some text if one
// is kept. It is cheap however large they are.
func (m *Migrator) List(ctx context.Context) ([]File, error) {
	var files []File
	err := m.read(ctx, func(s *session) (err error) {
		files, err = s.list(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list migrations of schema %s: %w", m.schema, err)
	}
	return files, nil
}
