package lint

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// file is one file while it is looked at.
type file struct {
	path, text string
	context    bool
	options    Options
	version    uint
	up         bool
	named      bool  // golang-migrate takes it for a migration
	pair       *file // the up file of a down file

	tokens     []token
	statements []parsed
	lines      []int // offsets at which lines begin
	ignores    []*ignore
	findings   []Finding
	ignored    int
	fresh      []ref // tables that the file itself has made so far
}

// parsed is a statement and what it does.
type parsed struct {
	statement
	outer   *statement // the do block that it is in
	actions []action
}

func newFile(in Input, o Options) *file {
	f := &file{path: in.Path, text: in.Text, context: in.Context, options: o, lines: []int{0}, tokens: lex(in.Text)}
	f.version, f.up, f.named = parseName(in.Path)
	for i := range len(in.Text) {
		if in.Text[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	for _, s := range split(in.Text, f.tokens) {
		f.statements = append(f.statements, parsed{statement: s, actions: s.actions()})
		outer := &f.statements[len(f.statements)-1].statement
		for _, inner := range bodies(in.Text, &s) {
			f.statements = append(f.statements, parsed{statement: inner, outer: outer, actions: inner.actions()})
		}
	}
	f.readIgnores()
	return f
}

// count returns how many statements golang-migrate runs.
func (f *file) count() (n int) {
	for i := range f.statements {
		if f.statements[i].outer == nil {
			n++
		}
	}
	return n
}

// place returns line and column of an offset, both from 1.
func (f *file) place(at int) (line, column int) {
	line = sort.Search(len(f.lines), func(i int) bool { return f.lines[i] > at })
	return line, utf8.RuneCountInString(f.text[f.lines[line-1]:min(at, len(f.text))]) + 1
}

// report adds a finding at an offset, unless a comment says to ignore it. s is nil if it is about the file as a whole.
func (f *file) report(rule string, at int, s *parsed, why, fix string) {
	for _, ig := range f.ignores {
		if ig.covers(rule, s) {
			ig.used = true
			f.ignored++
			return
		}
	}
	line, column := f.place(at)
	f.findings = append(f.findings, Finding{
		File: f.path, Line: line, Column: column, Rule: rule, Severity: ruleSeverity(rule), Why: why, Fix: fix,
	})
}

// consider notes that a rule looks at a statement: a comment that says to ignore it there is not idle, even if nothing is
// found because more is known than the statement's author could count on.
func (f *file) consider(rule string, s *parsed) {
	for _, ig := range f.ignores {
		if ig.covers(rule, s) {
			ig.used = true
		}
	}
}

func ruleSeverity(id string) Severity {
	for _, r := range Rules() {
		if r.ID == id {
			return r.Severity
		}
	}
	return Error
}

// isFresh reports whether the file itself has made the table: nobody else can see it yet.
func (f *file) isFresh(table ref) bool {
	for _, r := range f.fresh {
		if r.same(table) {
			return true
		}
	}
	return false
}

// isMade reports whether something that a down file drops was made by its up file.
func (f *file) isMade(op string, object ref, name string) bool {
	if f.pair == nil {
		return false
	}
	for i := range f.pair.statements {
		for _, a := range f.pair.statements[i].actions {
			if a.op == op && a.object.same(object) && (name == "" || a.name == name) {
				return true
			}
		}
	}
	return false
}

// ignore is one comment that says to ignore rules.
type ignore struct {
	rules     []string
	at        int
	wholeFile bool
	used      bool
}

// The comments' first words.
const (
	ignoreWord     = "tapline:lint-ignore"
	ignoreFileWord = "tapline:lint-ignore-file"
)

// readIgnores reads the ignore comments, those in the bodies of do blocks too.
func (f *file) readIgnores() {
	for i := range f.tokens {
		switch t := &f.tokens[i]; {
		case t.kind == comment:
			f.readIgnore(t.text, t.start)
		case t.dollar:
			for _, inner := range lex(t.text) {
				if inner.kind == comment {
					f.readIgnore(inner.text, t.inner+inner.start)
				}
			}
		}
	}
}

func (f *file) readIgnore(text string, at int) {
	words := strings.Fields(text)
	if len(words) == 0 || words[0] != ignoreWord && words[0] != ignoreFileWord {
		return
	}
	if len(words) < 3 {
		f.report("ignore-without-reason", at, nil, "nobody can tell later whether this is still right",
			"write -- "+words[0]+" RULE and why it does not hurt here")
		return
	}
	ig := &ignore{at: at, wholeFile: words[0] == ignoreFileWord}
	for _, id := range strings.Split(words[1], ",") {
		if !isRule(id) {
			f.report("ignore-without-reason", at, nil, "there is no rule "+id, "see tapline migrate lint --rules")
			continue
		}
		ig.rules = append(ig.rules, id)
	}
	if len(ig.rules) > 0 {
		f.ignores = append(f.ignores, ig)
	}
}

func isRule(id string) bool {
	for _, r := range Rules() {
		if r.ID == id {
			return true
		}
	}
	return false
}

// covers reports whether the comment is about that rule at that statement: it stands before it, in it, or at the end of
// its last line. What is about a file as a whole is covered by a comment anywhere in it.
func (ig *ignore) covers(rule string, s *parsed) bool {
	for _, id := range ig.rules {
		if id == rule {
			return s == nil || ig.wholeFile || within(ig.at, &s.statement) || s.outer != nil && ig.at < s.outer.tokens[0].start && within(ig.at, s.outer)
		}
	}
	return false
}

func within(at int, s *statement) bool { return at >= s.from && at < s.to }

// unused reports the ignore comments that ignored nothing.
func (f *file) unused() {
	for _, ig := range f.ignores {
		if !ig.used {
			f.report("ignore-unused", ig.at, nil, "nothing of the kind is found here", "delete the comment")
		}
	}
}
