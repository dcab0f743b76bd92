package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tapline/tapline/schema"
)

// Filter chooses events and properties by patterns. The States of several workers may use one at once.
type Filter struct {
	include, exclude []*pattern
	events           sync.Map // the event's name as sent, by table
}

var _ schema.Filter = (*Filter)(nil)

// pattern is EVENT or EVENT.PROPERTY.
type pattern struct {
	event    *regexp.Regexp
	table    string         // the table of an event of exactly that name
	property *regexp.Regexp // nil for a pattern of events
	given    string         // the flag and the word, as they were given
	used     atomic.Bool    // it matched something: it may be asked for while others still read
}

// Unused returns the patterns, with their flags, that have matched nothing so far: probably misspelt ones. A pattern of
// properties is looked at only for events that are loaded. Any goroutine may call it at any time.
func (f *Filter) Unused() []string {
	var out []string
	for _, p := range slices.Concat(f.include, f.exclude) {
		if !p.used.Load() {
			out = append(out, p.given)
		}
	}
	return out
}

// NewFilter returns the filter for the patterns of --include and --exclude: EVENT or EVENT.PROPERTY, where * stands for
// any characters and ? for one. They are matched, in any case, against the names of tables and columns and against the
// names as sent; a property's name as sent is its keys joined by dots, and a pattern that matches an object matches all
// in it. A dot in an event's name is written \. in the pattern. Exclude wins. Without patterns the filter is nil.
func NewFilter(include, exclude []string) (*Filter, error) {
	if len(include) == 0 && len(exclude) == 0 {
		return nil, nil //nolint:nilnil // nothing is filtered
	}
	f := &Filter{}
	for _, list := range []struct {
		flag  string
		words []string
		to    *[]*pattern
	}{{"--include", include, &f.include}, {"--exclude", exclude, &f.exclude}} {
		for _, word := range list.words {
			p, ok := newPattern(word)
			if !ok {
				return nil, &Error{
					list.flag, word, "the pattern names nothing",
					`use EVENT or EVENT.PROPERTY, such as "Charged", "Notification*" or "*.email"`,
				}
			}
			p.given = fmt.Sprintf("%s %q", list.flag, word)
			*list.to = append(*list.to, p)
		}
	}
	return f, nil
}

// Event implements schema.Filter.
func (f *Filter) Event(name, table string) bool {
	if name != "" {
		f.events.Store(table, name)
	}
	excluded, included := false, len(f.include) == 0
	for _, p := range f.exclude {
		excluded = p.property == nil && p.matchEvent(name, table) && p.use() || excluded
	}
	for _, p := range f.include {
		included = p.matchEvent(name, table) && (p.property != nil || p.use()) || included
	}
	return included && !excluded
}

// Property implements schema.Filter. If the patterns that include an event all name properties, only these are loaded.
func (f *Filter) Property(table string, path *schema.Path) bool {
	name := f.nameOf(table)
	excluded, included := false, len(f.include) == 0
	for _, p := range f.exclude {
		excluded = p.property != nil && p.matchEvent(name, table) && p.matchProperty(path) && p.use() || excluded
	}
	for _, p := range f.include {
		included = p.matchEvent(name, table) && (p.property == nil || p.matchProperty(path) && p.use()) || included
	}
	return included && !excluded
}

// nameOf is the name of a table's event as it was sent; empty if none was sent yet.
func (f *Filter) nameOf(table string) string {
	name, _ := f.events.Load(table)
	s, _ := name.(string)
	return s
}

// use notes that the pattern matched. It returns true. All patterns are tried, so that each that matches is noted; the
// answers are kept by whoever asks.
func (p *pattern) use() bool {
	p.used.Store(true)
	return true
}

func (p *pattern) matchEvent(name, table string) bool {
	return p.table == table || p.event.MatchString(table) || name != "" && p.event.MatchString(name)
}

func (p *pattern) matchProperty(path *schema.Path) bool {
	if p.property.MatchString(path.Column) {
		return true
	}
	keys := path.Keys()
	for n := 1; n <= len(keys); n++ {
		if p.property.MatchString(strings.Join(keys[:n], ".")) || p.property.MatchString(schema.ColumnName(keys[:n]...)) {
			return true
		}
	}
	return false
}

func newPattern(word string) (*pattern, bool) {
	event, property, found := cutDot(word)
	if event == "" || found && property == "" {
		return nil, false
	}
	p := &pattern{event: glob(event), table: tableOf(strings.ReplaceAll(event, `\.`, "."))}
	if found {
		p.property = glob(property)
	}
	return p, true
}

// tableOf lets "Push impression" find push_impressions, and a name with odd characters its table.
func tableOf(event string) string {
	if canonical, ok := schema.FoldEvent([]byte(event)); ok {
		event = canonical
	}
	if schema.IsStandardTable(event) || strings.ContainsAny(event, "*?") {
		return ""
	}
	return schema.TableName(event)
}

// cutDot cuts at the first dot that has no backslash before it.
func cutDot(s string) (before, after string, found bool) {
	for i := range len(s) {
		if s[i] == '.' && (i == 0 || s[i-1] != '\\') {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func glob(s string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.ReplaceAll(s, `\.`, "."))
	quoted = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(quoted)
	return regexp.MustCompile("(?is)^" + quoted + "$")
}
