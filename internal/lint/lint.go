// Package lint reads SQL migrations and finds what hurts when they run on a database that is in use: long locks, tables
// written anew, data lost, files that golang-migrate runs otherwise than their author thinks.
//
// It works on tokens and on the first words of statements: it knows what a statement does to which table, and not what
// an expression means. SQL that a do block puts together from strings is not seen.
package lint

import (
	"cmp"
	"path"
	"slices"

	"github.com/tapline/tapline/migrations"
)

// Input is one file.
type Input struct {
	Path string
	Text string
	// Context files are read to know what the tables look like; nothing is reported of them.
	Context bool
}

// Options are what a text alone does not say.
type Options struct {
	// MultiStatement says that golang-migrate runs with x-multi-statement: it splits files at semicolons itself, and
	// runs each part in a transaction of its own.
	MultiStatement bool
	// LockTimeout says that the files run in sessions that have a lock_timeout already, as Tapline's own have.
	LockTimeout bool
}

// Report is what Lint found.
type Report struct {
	Files    int       `json:"files"` // without those of the context
	Ignored  int       `json:"ignored"`
	Findings []Finding `json:"findings"`
}

// Worst returns whether a finding is as bad as least, or worse.
func (r Report) Worst(least Severity) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity.AtLeast(least) })
}

// Lint looks at files. Those of one folder are one series of migrations, in the order of their numbers: what an earlier
// one says about a table is known to the rules for a later one. Findings are in the order of files and lines.
func Lint(inputs []Input, o Options) Report {
	report := Report{Findings: []Finding{}}
	folders := map[string][]*file{}
	var names []string
	for _, in := range inputs {
		f := newFile(in, o)
		dir := path.Dir(in.Path)
		if folders[dir] == nil {
			names = append(names, dir)
		}
		folders[dir] = append(folders[dir], f)
	}
	for _, name := range names {
		files := folders[name]
		slices.SortStableFunc(files, byNumber)
		series(files)
		for _, f := range files {
			if f.context {
				continue
			}
			report.Files++
			f.unused()
			report.Ignored += f.ignored
			report.Findings = append(report.Findings, f.findings...)
		}
	}
	slices.SortStableFunc(report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(rank[b.Severity], rank[a.Severity]))
	})
	return report
}

// byNumber orders the files of a folder as golang-migrate runs them, an up file before its down file.
func byNumber(a, b *file) int {
	if c := cmp.Compare(a.version, b.version); c != 0 {
		return c
	}
	if a.up != b.up {
		if a.up {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.path, b.path)
}

// series looks at the files of one folder.
func series(files []*file) {
	known := newModel()
	for i, f := range files {
		if !f.named {
			f.report("file-name", 0, nil, "golang-migrate does not see this file: its name is not NUMBER_TITLE.up.sql or NUMBER_TITLE.down.sql",
				"rename it, such as 000002_add_price.up.sql, or move it out of the folder")
		}
		if f.named && !f.up {
			f.pair = partner(files, i)
		}
		f.check(known)
		if f.up || !f.named {
			known.learn(f)
		}
	}
	numbers(files)
	pairs(files)
}

// partner returns the up file of a down file.
func partner(files []*file, i int) *file {
	for _, f := range files {
		if f.named && f.up && f.version == files[i].version {
			return f
		}
	}
	return nil
}

// parseName takes a path apart as golang-migrate does.
func parseName(p string) (version uint, up, ok bool) {
	version, _, up, ok = migrations.ParseFileName(path.Base(p))
	return version, up, ok
}
