package migrations

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/failpoint"
)

// Bootstrap makes the control schema, the source's row in it and the source's schema, and brings all of it up to this
// release. If nothing is to be done it is one query, so that every load can begin with it.
//
// It returns an *OwnedError if the schema is another source's (rule 34), and with Options.Managed a *NotReadyError if
// anything is missing.
func (m *Migrator) Bootstrap(ctx context.Context, nickname string) error {
	var lacks string
	err := m.read(ctx, func(s *session) (err error) {
		lacks, err = s.lacks(ctx, nickname)
		return err
	})
	if err != nil || lacks == "" {
		return err
	}
	if m.options.Managed {
		return &NotReadyError{Schema: m.schema, Lacks: lacks}
	}
	err = control(ctx, m.cfg, m.options, func(s *session) error { return s.own(ctx, nickname, m.schema) })
	if err != nil {
		return err
	}
	return m.change(ctx, func(s *session) error { return s.bootstrap(ctx) })
}

// lacks returns what Bootstrap has to do, as words for people; nothing if all is done.
func (s *session) lacks(ctx context.Context, nickname string) (string, error) {
	var owner, digest *string
	var controlDirty, dirty *bool
	var version, last, applied, controlVersion *int64
	// The version tables have one row each; a table that is missing is told by the error.
	err := s.conn.QueryRow(ctx, `
		select o.nickname, o.catalogue,
			(select bool_or(dirty) from `+qualified(ControlSchema, versionTable)+`),
			(select bool_or(dirty) from `+qualified(s.schema, versionTable)+`),
			(select max(version) from `+qualified(ControlSchema, versionTable)+`),
			(select max(version) from `+qualified(s.schema, versionTable)+`),
			(select max(version) from `+qualified(s.schema, "_migration_files")+`),
			(select max(version) from `+qualified(s.schema, "_migration_files")+` where applied_at is not null)
		from (select) one left join `+qualified(ControlSchema, "sources")+` o on o.schema_name = $1`, s.schema).
		Scan(&owner, &digest, &controlDirty, &dirty, &controlVersion, &version, &last, &applied)
	switch {
	case missing(err):
		return "it was never set up", nil
	case err != nil:
		return "", fmt.Errorf("check schema %s: %w", s.schema, err)
	case owner == nil:
		return "no source owns it", nil
	case *owner != nickname:
		return "", &OwnedError{Schema: s.schema, Nickname: nickname, Owner: *owner}
	case applied == nil:
		return "its first migration was interrupted", nil
	case s.options.Managed:
		// Whoever owns DDL may be at work, or have left something to be repaired: what is applied is whole all the same. Nor
		// does loading need what a later release has added to the control schema.
	case version == nil || last == nil || controlDirty == nil || controlVersion == nil || *controlDirty || *dirty:
		return "a migration was interrupted", nil
	case *version != *last:
		return fmt.Sprintf("migrations up to %d wait, %d are applied", *last, *version), nil
	case int(*controlVersion) < len(controlFiles()):
		return "the control schema is that of an earlier release of Tapline", nil
	}
	if digest == nil || *digest != catalogueDigest() {
		return "its tables are those of another release of Tapline", nil
	}
	return "", nil
}

// catalogueDigest tells the catalogues of two releases apart.
func catalogueDigest() string {
	sum := sha256.Sum256([]byte(template(baselinePath+".up.sql", "")))
	return hex.EncodeToString(sum[:8])
}

// Control makes the control schema, or brings it up to this release. Bootstrap does that too; this is for what needs the
// control schema alone, and for databases whose sources are managed by others.
func Control(ctx context.Context, cfg *pgx.ConnConfig, o Options) error {
	return control(ctx, cfg, o.withDefaults(), func(*session) error { return nil })
}

// control brings the control schema up to this release, on a connection of its own, and does something under its lock.
func control(ctx context.Context, cfg *pgx.ConnConfig, o Options, then func(*session) error) error {
	s, err := openSession(ctx, cfg, ControlSchema, o)
	if err != nil {
		return cause(ctx, err)
	}
	defer s.close()
	if err := s.lock(ctx); err != nil {
		return err
	}
	if err := s.createSchema(ctx); err != nil {
		return cause(ctx, err)
	}
	if err := s.prepare(ctx); err != nil {
		return cause(ctx, err)
	}
	if _, err := s.up(ctx, math.MaxUint32); err != nil {
		return err
	}
	return cause(ctx, then(s))
}

// own writes the source's row, or says whose schema it is.
func (s *session) own(ctx context.Context, nickname, schemaName string) error {
	sources := qualified(ControlSchema, "sources")
	_, err := s.conn.Exec(ctx, "insert into "+sources+` (nickname, schema_name) values ($1, $2)
		on conflict do nothing`, nickname, schemaName)
	if err != nil {
		return fmt.Errorf("write source %q: %w", nickname, err)
	}
	failpoint.Hit(committed)
	return s.owner(ctx, nickname, schemaName)
}

// owner returns an *OwnedError if the schema is another source's, or the source has another schema.
func (s *session) owner(ctx context.Context, nickname, schemaName string) error {
	sources := qualified(ControlSchema, "sources")
	var owner, other *string
	err := s.conn.QueryRow(ctx, "select (select nickname from "+sources+" where schema_name = $2), "+
		"(select schema_name from "+sources+" where nickname = $1)", nickname, schemaName).Scan(&owner, &other)
	switch {
	case err != nil:
		return fmt.Errorf("read source %q: %w", nickname, err)
	case owner != nil && *owner != nickname:
		return &OwnedError{Schema: schemaName, Nickname: nickname, Owner: *owner}
	case owner == nil && other != nil:
		return &OwnedError{Schema: schemaName, Nickname: nickname, Has: *other}
	}
	return nil
}

// bootstrap brings the source's schema up to this release.
func (s *session) bootstrap(ctx context.Context) error {
	if err := s.createSchema(ctx); err != nil {
		return err
	}
	_, err := s.bringUp(ctx)
	return err
}

// bringUp applies what waits, and what the catalogue of this release adds.
func (s *session) bringUp(ctx context.Context) (Applied, error) {
	have, err := s.upToDate(ctx)
	if err != nil {
		return Applied{}, err
	}
	done, err := s.evolve(ctx, have, CatalogueDiff(have))
	if err != nil {
		return done, err
	}
	_, err = s.conn.Exec(ctx, "update "+pgx.Identifier{ControlSchema, "sources"}.Sanitize()+
		" set catalogue = $1 where schema_name = $2", catalogueDigest(), s.schema)
	if err != nil {
		return done, fmt.Errorf("write digest of the catalogue: %w", err)
	}
	failpoint.Hit(committed)
	return done, nil
}
