package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/registry"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// renameFlags are those of source rename alone.
type renameFlags struct {
	schema, dir string
	wait        time.Duration
	dryRun      bool
}

func (a *app) sourceRename() *cobra.Command {
	var f renameFlags
	c := &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Give a source and its schema another name",
		Long: `Give a source and its schema another name, in one transaction. Files that are loaded stay loaded, and numbered
migrations go on where they were. Views, grants and open queries follow by themselves; what names the schema in its own
text does not: other programs, functions, the search_path of roles.

A source with write keys has to be disabled before, and what tapline serve has taken for it loaded: it waits under the old name.
Loads, replays and migrations of the source that are at work are waited for, up to --wait. A program that goes on loading
under the old name makes a new source of that name: change its command, and tapline.yaml, before it runs again.`,
		Example: `  tapline source rename CleverTap_Test CleverTap_Prod --dry-run
  tapline source rename CleverTap_Test CleverTap_Prod
  tapline source rename Web Shop --schema web                 # the schema keeps its name
  tapline source rename Web Shop --dir migrations             # and the files that generate wrote`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &config.Error{Setting: "OLD NEW", Problem: "give two names", Hint: "the source's nickname, and the new one"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return a.renameSource(c.Context(), args[0], args[1], f) },
	}
	a.databaseFlags(c)
	flags := c.Flags()
	flags.StringVar(&f.schema, "schema", "", "the new `SCHEMA`, if it is not to be made of NEW")
	flags.StringVar(&f.dir, "dir", "", "`FOLDER` of the source's migrations, to be rewritten too")
	flags.DurationVar(&f.wait, "wait", 10*time.Second, "how long (`TIME`) to wait for what is at work on the source")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the SQL; touch nothing")
	must(c.MarkFlagDirname("dir"))
	c.ValidArgsFunction = a.completeSource()
	return c
}

func (a *app) renameSource(ctx context.Context, from, to string, f renameFlags) error {
	pool, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	old, err := admin.Find(ctx, pool, from, "")
	if err != nil {
		return a.whichSource(err)
	}
	r := migrations.Renaming{From: migrations.Named{Nickname: old.Nickname, Schema: old.Schema}}
	if r.To, err = newName(to, f.schema); err != nil {
		return err
	}
	if r.From == r.To {
		return usage(fmt.Errorf("source %s with schema %s has this name already", to, r.To.Schema))
	}
	if !f.dryRun {
		if err := a.takesNothing(ctx, pool, old.Nickname); err != nil {
			return err
		}
	}
	files, err := renamedFiles(f.dir, r)
	if err != nil {
		return err
	}
	done, err := admin.Rename(ctx, pool, r, admin.RenameOptions{Wait: f.wait, DryRun: f.dryRun})
	var taken *migrations.ExistsError
	switch {
	case errors.As(err, &taken):
		return usage(err)
	case err != nil:
		return notFound(err, "source", from, "another rename was faster; see tapline status")
	}
	if !f.dryRun {
		for _, file := range files {
			if err := file.write(); err != nil {
				return fmt.Errorf("the source is renamed, its folder is not: %w", err)
			}
		}
	}
	if a.json {
		return a.writeJSON(renamedJSON{done, paths(files)})
	}
	a.printRenamed(done, files)
	return nil
}

// takesNothing makes sure that no client can send events to a source: what waits in the stream belongs to its old name.
func (a *app) takesNothing(ctx context.Context, pool *pgxpool.Pool, nickname string) error {
	if err := registry.Prepare(ctx, pool); err != nil { // of an earlier release
		return err
	}
	r := registry.New(pool, "")
	s, err := r.Get(ctx, nickname)
	if err != nil || !s.Enabled() {
		return a.registryError(err)
	}
	keys, err := r.ListKeys(ctx, nickname)
	if err != nil {
		return err
	}
	for i := range keys {
		if keys[i].Active() {
			return usage(fmt.Errorf("source %s takes events over HTTP, and what waits to be loaded waits under this name: "+
				"%s source disable %s first, stop tapline serve and its workers once nothing waits any more (tapline_stream_unloaded_messages), "+
				"rename, and enable it again", nickname, programName(), shellWord(nickname)))
		}
	}
	return nil
}

// whichSource marks an unknown source as an error of the command line.
func (a *app) whichSource(err error) error {
	var which *admin.SourceError
	if errors.As(err, &which) {
		return usage(err)
	}
	return err
}

func newName(nickname, schemaName string) (migrations.Named, error) {
	if err := schema.CheckNickname(nickname); err != nil {
		return migrations.Named{}, usage(err)
	}
	made, err := schema.SchemaName(nickname)
	if schemaName != "" {
		made, err = schemaName, schema.CheckSchemaName(schemaName)
	}
	return migrations.Named{Nickname: nickname, Schema: made}, usage(err)
}

// renamedFile is a file of the folder of migrations, for the new name.
type renamedFile struct {
	path, text string
	mode       os.FileMode
}

// write replaces the file whole, or not at all.
func (f renamedFile) write() error {
	temp, err := os.CreateTemp(filepath.Dir(f.path), ".tapline-*")
	if err != nil {
		return err
	}
	_, err = temp.WriteString(f.text)
	err = errors.Join(err, temp.Chmod(f.mode), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), f.path)
	}
	if err != nil {
		_ = os.Remove(temp.Name()) // the first error says enough
	}
	return err
}

func paths(files []renamedFile) []string {
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.path
	}
	return out
}

// renamedFiles returns the migrations of a folder that change.
func renamedFiles(dir string, r migrations.Renaming) ([]renamedFile, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, &config.Error{Setting: "--dir", Value: dir, Problem: err.Error()}
	}
	var out []renamedFile
	for _, entry := range entries {
		if _, _, _, ok := migrations.ParseFileName(entry.Name()); !ok || !entry.Type().IsRegular() {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		if renamed := r.SQL(string(text)); renamed != string(text) {
			out = append(out, renamedFile{path, renamed, info.Mode().Perm()})
		}
	}
	return out, nil
}

type renamedJSON struct {
	*admin.Renamed
	Files []string `json:"files"`
}

func (a *app) printRenamed(done *admin.Renamed, files []renamedFile) {
	p := newPrinter(a.stdout, a.env)
	if done.DryRun {
		p.line("begin;")
		for _, sql := range done.SQL {
			p.line(sql + ";")
		}
		p.linef("-- and the schema's name in the texts of %s of %s", plural(done.Migrations, "kept migration", "kept migrations"), "_migration_files")
		p.line("commit;")
		for _, f := range files {
			p.line("-- and in " + f.path)
		}
		return
	}
	text := "Renamed source " + done.From.Nickname + " to " + done.To.Nickname
	if done.From.Schema != done.To.Schema {
		text += ", schema " + done.From.Schema + " to " + done.To.Schema
	}
	p.line(p.green("✓") + " " + p.bold(printable(text)))
	if len(files) > 0 {
		p.line("  " + plural(len(files), "file", "files") + " of the folder rewritten")
	}
	p.heading("Next")
	p.line("  Whatever still loads with --source " + printable(done.From.Nickname) + " makes a new source of that name: change it.")
	if slices.Contains(a.file.Nicknames(), done.From.Nickname) {
		p.line("  " + a.file.Path + " has settings of " + printable(done.From.Nickname) + ": name them " + printable(done.To.Nickname) + " there.")
	}
}
