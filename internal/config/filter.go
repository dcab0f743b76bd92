package config

import (
	"regexp"
	"strings"

	"github.com/tapline/tapline/schema"
)

// Filter chooses events and properties by patterns. It belongs to one State.
type Filter struct {
	include, exclude []pattern
	events           map[string]string // the event's name as sent, by table
}

var _ schema.Filter = (*Filter)(nil)

// pattern is EVENT or EVENT.PROPERTY.
type pattern struct {
	event    *regexp.Regexp
	table    string         // the table of an event of exactly that name
	property *regexp.Regexp // nil for a pattern of events
}

// NewFilter returns the filter for the patterns of --include and --exclude: EVENT or EVENT.PROPERTY, where * stands for
// any characters and ? for one. They are matched, in any case, against the names of tables and columns and against the
// names as sent; a property's name as sent is its keys joined by dots, and a pattern that matches an object matches all
// in it. A dot in an event's name is written \. in the pattern. Exclude wins. Without patterns the filter is nil.
func NewFilter(include, exclude []string) (*Filter, error) {
	if len(include) == 0 && len(exclude) == 0 {
		return nil, nil //nolint:nilnil // nothing is filtered
	}
	f := &Filter{events: map[string]string{}}
	for _, list := range []struct {
		flag  string
		words []string
		to    *[]pattern
	}{{"--include", include, &f.include}, {"--exclude", exclude, &f.exclude}} {
		for _, word := range list.words {
			p, ok := newPattern(word)
			if !ok {
				return nil, &Error{
					list.flag, word, "the pattern names nothing",
					`use EVENT or EVENT.PROPERTY, such as "Charged", "Notification*" or "*.email"`,
				}
			}
			*list.to = append(*list.to, p)
		}
	}
	return f, nil
}

// Event implements schema.Filter.
func (f *Filter) Event(name, table string) bool {
	if name != "" {
		f.events[table] = name
	}
	for _, p := range f.exclude {
		if p.property == nil && p.matchEvent(name, table) {
			return false
		}
	}
	for _, p := range f.include {
		if p.matchEvent(name, table) {
			return true
		}
	}
	return len(f.include) == 0
}

// Property implements schema.Filter. If the patterns that include an event all name properties, only these are loaded.
func (f *Filter) Property(table string, path *schema.Path) bool {
	name := f.events[table]
	for _, p := range f.exclude {
		if p.property != nil && p.matchEvent(name, table) && p.matchProperty(path) {
			return false
		}
	}
	for _, p := range f.include {
		if p.matchEvent(name, table) && (p.property == nil || p.matchProperty(path)) {
			return true
		}
	}
	return len(f.include) == 0
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

func newPattern(word string) (pattern, bool) {
	event, property, found := cutDot(word)
	if event == "" || found && property == "" {
		return pattern{}, false
	}
	p := pattern{event: glob(event), table: tableOf(strings.ReplaceAll(event, `\.`, "."))}
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
