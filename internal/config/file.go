package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/tapline/tapline/schema"
)

// DefaultFile is the configuration file that is read if it is there and none was named.
const DefaultFile = "tapline.yaml"

// File is the configuration file. A setting is a field with a yaml tag, here or in Source: it is then read, named in
// errors, and wanted in tapline.example.yaml by a test. What its value may be is checked in Config.Validate if it is a
// flag too, else in check; how it becomes part of a Config, in Config.Fill.
type File struct {
	// Path is where the file is; empty if there is none.
	Path     string       `yaml:"-"`
	Database FileDatabase `yaml:"database"`
	// DataDir is the folder of the private Postgres; in the file relative to the file's own folder.
	DataDir string             `yaml:"data_dir"`
	Sources map[string]*Source `yaml:"sources"`
	Serve   Serve              `yaml:"serve"`
	// Destinations are where rows are forwarded to, by name.
	Destinations map[string]*Destination `yaml:"destinations"`
	Jobs         map[string]*Job         `yaml:"jobs"`
	Alerts       Alerts                  `yaml:"alerts"`

	places places
}

// FileDatabase says which Postgres to use: at most one of its fields is set.
type FileDatabase struct {
	// DSNEnv is the environment variable that has the DSN, in place of DATABASE_URL.
	DSNEnv string `yaml:"dsn_env"`
	DSN    string `yaml:"dsn"`
}

// Source is what the file says of one source. The zero value of each field leaves it to flags and defaults.
type Source struct {
	Schema       string   `yaml:"schema"`
	Evolve       string   `yaml:"evolve"`
	Timezone     string   `yaml:"timezone"`
	Account      string   `yaml:"account"`
	UserIdentity string   `yaml:"user_identity"`
	Event        string   `yaml:"event"`
	Include      []string `yaml:"include"`
	Exclude      []string `yaml:"exclude"`
	// WidenMaxRows is the size of the largest table that a load widens a column in; 0 means that none is.
	WidenMaxRows *int64 `yaml:"widen_max_rows"`
	UnitMaxBytes string `yaml:"unit_max_bytes"`
	// Indexes are btree indexes to have, by table.
	Indexes map[string][]Index `yaml:"indexes"`
	// Pull says how the source is pulled from CleverTap's API.
	Pull *Pull `yaml:"pull"`
	// Region is where the source's data may be.
	Region string `yaml:"region"`
	// WriteKeys are references, env:NAME or file:PATH, of the keys with which clients send events to the source.
	WriteKeys []string `yaml:"write_keys"`
	// Disabled sources take no events over HTTP; nil leaves that to tapline source.
	Disabled *bool `yaml:"disabled"`
}

// Index is the columns of a btree index, in order.
type Index []string

// FileError says what is wrong with a configuration file, and where.
type FileError struct {
	File         string
	Line, Column int // from 1; 0 if it is about the whole file
	Problem      string
	Hint         string // what to do; may be empty
}

// Error returns place, problem and hint in one line.
func (e *FileError) Error() string {
	text := e.File
	if e.Line > 0 {
		text += fmt.Sprintf(":%d:%d", e.Line, e.Column)
	}
	text += ": " + e.Problem
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// Find returns the configuration file: the one that is named, else that of the environment variable TAPLINE_CONFIG, else
// DefaultFile if it is there. Without any it returns a File that says nothing. The error is a *FileError.
func Find(named string, env func(string) string) (*File, error) {
	path := cmp.Or(named, env("TAPLINE_CONFIG"))
	if path == "" {
		if _, err := os.Lstat(DefaultFile); errors.Is(err, fs.ErrNotExist) {
			return &File{}, nil
		}
		path = DefaultFile
	}
	return ReadFile(path)
}

// maxFile is the size of the largest configuration file, in bytes.
const maxFile = 1 << 20

// ReadFile reads one configuration file and checks it. The error is a *FileError.
func ReadFile(path string) (*File, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	f, err := ParseFile(path, text)
	if err == nil && f.DataDir != "" && !filepath.IsAbs(f.DataDir) {
		f.DataDir = filepath.Join(filepath.Dir(path), f.DataDir)
	}
	return f, err
}

func readText(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && info.Size() > maxFile {
		return nil, &FileError{File: path, Problem: "larger than a configuration can be", Hint: "name the right file"}
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	var why *fs.PathError
	if errors.As(err, &why) {
		err = why.Err // the path is said already
	}
	if err != nil {
		return nil, &FileError{File: path, Problem: "read configuration: " + err.Error()}
	}
	return text, nil
}

// ParseFile reads the text of a configuration file. The error is a *FileError, the first if several things are wrong.
func ParseFile(path string, text []byte) (*File, error) {
	f, wrong := inspect(path, text)
	if len(wrong) > 0 {
		return nil, wrong[0]
	}
	return f, nil
}

// inspect reads the text of a configuration file and returns everything that is wrong with it: how it is written, then
// what is written.
func inspect(path string, text []byte) (*File, []error) {
	f := &File{Path: path}
	var wrong []error
	f.places, wrong = parse(path, text, f)
	return f, append(wrong, f.checks()...)
}

// Nicknames are the sources that the file names, in order.
func (f *File) Nicknames() []string { return slices.Sorted(maps.Keys(f.Sources)) }

// Source returns what the file says of a source, found by its nickname, in another spelling if need be, or by its schema
// if the nickname is empty; if both are empty, it is the only source of the file. It returns "" and nil if there is none.
func (f *File) Source(nickname, schemaName string) (string, *Source) {
	if s := f.Sources[nickname]; s != nil {
		return nickname, s
	}
	made, _ := schema.SchemaName(nickname)
	for name, s := range f.Sources {
		other, _ := schema.SchemaName(name)
		switch {
		case nickname != "" && made == other && made != "",
			nickname == "" && schemaName != "" && schemaName == cmp.Or(s.Schema, other),
			nickname == "" && schemaName == "" && len(f.Sources) == 1:
			return name, s
		}
	}
	return "", nil
}

// checks returns everything that is wrong with the values, section by section.
func (f *File) checks() []error {
	var wrong []error
	if f.Database.DSN != "" && f.Database.DSNEnv != "" {
		wrong = append(wrong, f.wrong("dsn and dsn_env are both given", "keep one of them", "database", "dsn"))
	}
	for _, section := range []func() []error{f.checkSources, f.checkServe, f.checkDestinations, f.checkJobs, f.checkAlerts} {
		wrong = append(wrong, section()...)
	}
	return wrong
}

// checkSources returns what is wrong with sources, one thing a source.
func (f *File) checkSources() (wrong []error) {
	schemas := map[string]string{}
	for _, name := range f.Nicknames() {
		if err := f.checkSource(name, f.Sources[name], schemas); err != nil {
			wrong = append(wrong, err)
		}
	}
	return wrong
}

// checkSource checks the settings of a source. schemas has those of the sources before it.
func (f *File) checkSource(name string, s *Source, schemas map[string]string) error {
	c := Config{Source: name}
	c.fillSource(s)
	valid, err := c.Validate()
	var setting *Error
	if errors.As(err, &setting) {
		return f.wrongSetting(name, setting)
	} else if err != nil {
		return f.wrong(err.Error(), "", "sources", name)
	}
	if other := schemas[valid.Schema]; other != "" {
		return f.wrong(fmt.Sprintf("sources %s and %s have the same schema, %s", other, name, valid.Schema),
			"remove one, or give it a schema of its own", "sources", name)
	}
	schemas[valid.Schema] = name
	return f.checkUnflagged(name, s)
}

// checkUnflagged checks the settings of a source that have no flag.
func (f *File) checkUnflagged(name string, s *Source) error {
	if err := f.checkPull(name, s); err != nil {
		return err
	}
	if s.WidenMaxRows != nil && *s.WidenMaxRows < 0 {
		return f.wrong("widen_max_rows is negative", "use 0 for never", "sources", name, "widen_max_rows")
	}
	for _, table := range slices.Sorted(maps.Keys(s.Indexes)) {
		if problem := checkIndexes(table, s.Indexes[table]); problem != "" {
			return f.wrong(problem, "", "sources", name, "indexes", table)
		}
	}
	return f.checkRegistered(name, s)
}

// maxIndexColumns is Postgres's limit.
const maxIndexColumns = 32

func checkIndexes(table string, indexes []Index) string {
	if schema.IsInternal(table) {
		return fmt.Sprintf("%q is no table of events", table)
	}
	for i, columns := range indexes {
		switch {
		case len(columns) == 0 || len(columns) > maxIndexColumns:
			return fmt.Sprintf("an index of %s has %d columns, not 1 to %d", table, len(columns), maxIndexColumns)
		case slices.Contains(columns, ""):
			return fmt.Sprintf("an index of %s has a column without a name", table)
		case len(slices.Compact(slices.Sorted(slices.Values(columns)))) < len(columns):
			return fmt.Sprintf("an index of %s has a column twice", table)
		case slices.ContainsFunc(indexes[:i], func(c Index) bool { return slices.Equal(c, columns) }):
			return fmt.Sprintf("an index of %s is there twice", table)
		}
	}
	return ""
}
