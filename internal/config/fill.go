package config

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
)

// Fill takes from the file what no flag has set: flags win over the environment, that over the file, and the file over
// defaults. Source and Schema choose the source; if both are empty, it is the only one of the file. What is excluded in
// the file stays excluded, whatever --exclude adds.
func (c *Config) Fill(f *File) {
	c.Database.Fill(f)
	name, s := f.Source(c.Source, c.Schema)
	if s == nil {
		return
	}
	c.Source = name
	c.fillSource(s)
	c.Pull.Fill(s.Pull, filepath.Dir(f.Path))
	c.Pull.Near(s.Region)
}

// fillSource takes the settings of one source.
func (c *Config) fillSource(s *Source) {
	c.Schema = cmp.Or(c.Schema, s.Schema)
	c.Evolve = cmp.Or(c.Evolve, s.Evolve)
	c.Files.Timezone = cmp.Or(c.Files.Timezone, s.Timezone)
	c.Files.Account = cmp.Or(c.Files.Account, s.Account)
	c.Files.UserIdentity = cmp.Or(c.Files.UserIdentity, s.UserIdentity)
	c.Files.Event = cmp.Or(c.Files.Event, s.Event)
	c.Files.UnitMaxSize = cmp.Or(c.Files.UnitMaxSize, s.UnitMaxBytes)
	if len(c.Include) == 0 {
		c.Include = s.Include
	}
	c.Exclude = slices.Concat(c.Exclude, s.Exclude)
	if s.WidenMaxRows != nil {
		c.WidenMaxRows = cmp.Or(int(*s.WidenMaxRows), -1)
	}
	c.Indexes = s.Indexes
}

// Fill takes from the file which Postgres to use, where no flag has said.
func (d *Database) Fill(f *File) {
	d.DataDir = cmp.Or(d.DataDir, f.DataDir)
	d.File, d.FileEnv, d.FileDSN = f.Path, f.Database.DSNEnv, f.Database.DSN
}

// wrong is an error about the setting at a path of keys.
func (f *File) wrong(problem, hint string, path ...string) error {
	at := f.places.find(path)
	return &FileError{f.Path, at.line, at.column, problem, hint}
}

// wrongSetting is an error of Validate as one of the file: --user-identity is user_identity here.
func (f *File) wrongSetting(source string, e *Error) error {
	key := strings.ReplaceAll(strings.TrimPrefix(e.Setting, "--"), "-", "_")
	problem := key
	if e.Value != "" {
		problem += ` "` + e.Value + `"`
	}
	return f.wrong(problem+": "+e.Problem, e.Hint, "sources", source, key)
}
