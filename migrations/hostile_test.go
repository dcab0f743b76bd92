package migrations_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// hostileNames are names that senders may give to properties.
func hostileNames() []string {
	return []string{
		"nul\x00byte", "new\nline", "'; drop schema shop cascade; --", `"; drop schema shop cascade; --`, "/* open", "close */",
		"$$", "$tapline$ end $tapline$", "%s%n%d", `back\slash\`, `E'\''`, "{schema}", `"{schema}"`, "\u2028\u202e",
		"\x7f\x1b[0m", "名前", "$1", ":name", "", " ", "\\", "'", `\u0000`, strings.Repeat("a'", 4000),
	}
}

// hostileDiff puts a name at every place that a sender can reach, and, as far as Postgres could have such a column in an
// adopted schema, into identifiers.
func hostileDiff(table, name string) schema.Diff {
	identifier := strings.ToValidUTF8(name, "?")
	if identifier == "" || len(identifier) > schema.MaxIdentifier {
		identifier = "x"
	}
	event := name
	if event == "" {
		event = "none" // no event has an empty name
	}
	t := schema.Table{Name: table, Event: event, Columns: append(schema.StandardColumns(),
		schema.Column{Name: "prop_" + table, Type: schema.Text, Path: []string{name, name}},
		schema.Column{Name: "context_" + table, Type: schema.Bigint, Path: []string{name}},
		schema.Column{Name: strings.ReplaceAll(identifier, "\x00", "0"), Type: schema.Bigint, Path: []string{name}})}
	return schema.Diff{Tables: []schema.Table{t}}
}

func TestHostileNamesGoUpAndDown(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	before := relations(t, pool)
	var all, widen schema.Diff
	for i, name := range hostileNames() {
		d := hostileDiff(fmt.Sprintf("t%02d", i), name)
		all.Tables = append(all.Tables, d.Tables...)
		for _, c := range d.Tables[0].Columns[11:] {
			widen.Widen = append(widen.Widen, schema.Widens{Table: d.Tables[0].Name, Column: c.Name, From: schema.Bigint, To: schema.Double})
		}
	}
	evolve(t, m, all)
	evolve(t, m, widen)
	have := tables(t, m)
	for i, name := range hostileNames() {
		table := have[fmt.Sprintf("t%02d", i)]
		if diff := cmp.Diff(all.Tables[i].Columns[10].Path, table.Columns[10].Path); diff != "" {
			t.Errorf("path of %q (-want +got):\n%s", name, diff)
		}
		escaped, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		var keys string
		_, rest, _ := strings.Cut(table.Columns[10].Comment, "Property ")
		if err := json.NewDecoder(strings.NewReader(rest)).Decode(&keys); err != nil || keys != name {
			t.Errorf("comment of %s = %q, %v", escaped, table.Columns[10].Comment, err)
		}
	}
	if n, err := m.Down(t.Context(), 2); err != nil || n != 2 {
		t.Fatalf("Down = %d, %v, want 2", n, err)
	}
	if diff := cmp.Diff(before, relations(t, pool)); diff != "" {
		t.Errorf("after down (-want +got):\n%s", diff)
	}
	if n := pgtest.Value[int64](t, pool, `select count(*) from shop._columns where table_name like 't__'`); n != 0 {
		t.Errorf("%d rows are left in _columns", n)
	}
}

// FuzzRender takes quoted parts out of what Render makes: nothing of the name may be outside of them.
func FuzzRender(f *testing.F) {
	for _, name := range hostileNames() {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		d := hostileDiff("tab", name)
		harmless := hostileDiff("tab", "harmless")
		have := schema.Tables{"tab": {Name: "tab", Columns: d.Tables[0].Columns}, "tracks": {Name: "tracks", View: true}}
		widen := schema.Diff{Widen: []schema.Widens{{Table: "tab", Column: d.Tables[0].Columns[12].Name, From: schema.Bigint, To: schema.Double}}}
		harmlessWiden := schema.Diff{Widen: []schema.Widens{{Table: "tab", Column: "harmless", From: schema.Bigint, To: schema.Double}}}
		compare(t, d, harmless, nil)
		compare(t, widen, harmlessWiden, have)
	})
}

// compare fails if the SQL of two diffs differs anywhere but in what is quoted.
func compare(t *testing.T, hostile, harmless schema.Diff, have schema.Tables) {
	t.Helper()
	up, down := migrations.Render(shop, have, hostile)
	wantUp, wantDown := migrations.Render(shop, have, harmless)
	for _, pair := range [][2]string{{up, wantUp}, {down, wantDown}} {
		if strings.ContainsRune(pair[0], 0) || !utf8.ValidString(pair[0]) {
			t.Fatal("the SQL has a NUL or is no UTF-8: Postgres cannot read it")
		}
		if got, want := unquoted(t, pair[0]), unquoted(t, pair[1]); got != want {
			t.Errorf("the name is outside of quotes:\n%s", cmp.Diff(want, got))
		}
	}
}

// unquoted reads SQL as Postgres's lexer does and leaves the contents of quotes and comments out. The body of a do block
// is SQL that is read the same way.
func unquoted(t *testing.T, sql string) string {
	t.Helper()
	var b strings.Builder
	for len(sql) > 0 {
		switch {
		case strings.HasPrefix(sql, "--"):
			_, sql, _ = strings.Cut(sql, "\n")
		case strings.HasPrefix(sql, "$tapline"):
			tag := sql[:strings.Index(sql[1:], "$")+2]
			inside, rest, found := strings.Cut(sql[len(tag):], tag)
			if !found {
				t.Fatalf("no end of %s", tag)
			}
			b.WriteString("$" + unquoted(t, inside) + "$")
			sql = rest
		case strings.HasPrefix(sql, " E'"):
			b.WriteString(" '")
			sql = skip(t, sql[3:], '\'', true)
		case sql[0] == '\'' || sql[0] == '"':
			if sql[0] == '\'' {
				b.WriteByte(' ') // as before E, so that both kinds of literal look the same
			}
			b.WriteByte(sql[0])
			sql = skip(t, sql[1:], sql[0], false)
		default:
			b.WriteByte(sql[0])
			sql = sql[1:]
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// skip returns what follows the end of a quoted part.
func skip(t *testing.T, sql string, quote byte, escapes bool) string {
	t.Helper()
	for i := 0; i < len(sql); i++ {
		switch {
		case escapes && sql[i] == '\\':
			i++
		case sql[i] == quote && i+1 < len(sql) && sql[i+1] == quote:
			i++
		case sql[i] == quote:
			return sql[i+1:]
		}
	}
	t.Fatal("a quote is not closed")
	return ""
}
