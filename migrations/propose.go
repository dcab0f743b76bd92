package migrations

import (
	"context"
	"fmt"
	"strconv"

	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/schema"
)

// Proposal is what a schema lacks, and the files that would give it that. Nothing of it is done.
type Proposal struct {
	Schema string
	// Version is the number of the last migration that is applied.
	Version uint
	// Waiting are the migrations that are kept in the schema and not applied; tapline migrate up applies them.
	Waiting []File
	// Diff is what the schema lacks, those of number 1 included if that is not applied.
	Diff schema.Diff
	// Tracks says that the view tracks is made or made anew.
	Tracks bool
	// Catalogue says that the schema was last brought up to another release's catalogue.
	Catalogue bool
	// Files are the migrations that do it, in order, as files of a folder: golang-migrate's own command can apply them.
	Files []File

	title string
}

// Empty reports whether nothing would change.
func (p *Proposal) Empty() bool { return len(p.Waiting) == 0 && len(p.Files) == 0 }

// SQL returns the up files one after the other.
func (p *Proposal) SQL() string {
	sql := ""
	for _, files := range [][]File{p.Waiting, p.Files} {
		for i := range files {
			sql += files[i].Up
		}
	}
	return sql
}

// Propose finds out what the schema lacks of the catalogue of this release and of d. title names the files after number 1;
// if it is empty they are named after what they do. Propose changes nothing and takes no lock; the schema need not exist.
func (m *Migrator) Propose(ctx context.Context, nickname string, d schema.Diff, title string) (Proposal, error) {
	p := Proposal{Schema: m.schema, title: title}
	if err := m.owned(ctx, nickname); err != nil {
		return p, err
	}
	err := m.read(ctx, func(s *session) error { return s.propose(ctx, nickname, d, &p) })
	if err != nil {
		return p, fmt.Errorf("plan schema %s: %w", m.schema, err)
	}
	return p, nil
}

// ProposeNew is Propose for a schema of a database that there is not yet.
func ProposeNew(nickname, schemaName string, d schema.Diff, title string) Proposal {
	p := Proposal{Schema: schemaName, title: title}
	p.begin(nickname, nil, d)
	return p
}

func (s *session) propose(ctx context.Context, nickname string, d schema.Diff, p *Proposal) error {
	have, err := catalog.Read(ctx, s.conn, s.schema)
	if err != nil {
		return err
	}
	version, err := s.lastApplied(ctx)
	if err != nil {
		return err
	}
	if version < 1 {
		p.begin(nickname, have, d)
		return nil
	}
	p.Version = uint(version)
	files, err := s.files(ctx, version)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !f.Applied() {
			p.Waiting = append(p.Waiting, f)
		}
	}
	shown, err := s.shown(ctx, have)
	if err != nil {
		return err
	}
	digest, err := s.digest(ctx)
	if err != nil {
		return err
	}
	p.Catalogue = digest != catalogueDigest()
	catalogue := CatalogueDiff(have)
	parts := p.add(have, shown, catalogue.Union(d))
	if p.Catalogue {
		parts = noted(p.Schema, parts, digest)
	}
	p.finish(p.Version+1, parts)
	return nil
}

// digest returns that of the catalogue that the schema was last brought up to; nothing if that is not known.
func (s *session) digest(ctx context.Context) (string, error) {
	var digest string
	err := s.conn.QueryRow(ctx, "select coalesce(max(catalogue), '') from "+qualified(ControlSchema, "sources")+
		" where schema_name = $1", s.schema).Scan(&digest)
	if missing(err) {
		return "", nil
	}
	return digest, err
}

// keep returns the items that are good.
func keep[T any](items []T, good func(T) bool) []T {
	var out []T
	for _, item := range items {
		if good(item) {
			out = append(out, item)
		}
	}
	return out
}

// begin proposes for a schema without number 1, whose tables are have.
func (p *Proposal) begin(nickname string, have schema.Tables, d schema.Diff) {
	p.Files = append(p.Files, firstFile(nickname, p.Schema, have))
	catalogue := CatalogueDiff(have)
	p.Diff, p.Tracks, p.Catalogue = catalogue, have[schema.TableTracks] == nil, true
	after := withTracks(catalogue.Apply(have))
	p.finish(2, p.add(after, after.TracksTables(), d))
}

// part is a file to be: SQL without a number.
type part struct{ name, up, down string }

// add proposes what have lacks of d.
func (p *Proposal) add(have schema.Tables, shown []*schema.Table, d schema.Diff) (parts []part) {
	lack := d.Missing(have)
	p.Diff = p.Diff.Union(lack)
	tracks := tracksChange(p.Schema, have, shown, lack)
	p.Tracks = p.Tracks || tracks != viewChange{}
	collect := func(_ string, _ uint, name, up, down string) File {
		parts = append(parts, part{name, up, down})
		return File{}
	}
	for range evolution(p.Schema, 0, have, lack, tracks, collect) {
		continue // collect has it
	}
	return parts
}

// noted makes the last file write down which catalogue the schema has then; a release may change nothing else.
func noted(schemaName string, parts []part, before string) []part {
	was := "null"
	if before != "" {
		was = lit(before)
	}
	if len(parts) == 0 {
		parts = []part{{name: "catalogue_of_this_release"}}
	}
	last := &parts[len(parts)-1]
	last.up += setCatalogue(schemaName, lit(catalogueDigest()))
	last.down += setCatalogue(schemaName, was)
	return parts
}

// finish makes files of parts, from number next on.
func (p *Proposal) finish(next uint, parts []part) {
	for i, f := range parts {
		switch {
		case p.title != "" && i == 0:
			f.name = p.title
		case p.title != "":
			f.name = p.title + "_" + strconv.Itoa(i+1)
		}
		p.Files = append(p.Files, folderFile(p.Schema, next+uint(i), f.name, f.up, f.down))
	}
}
