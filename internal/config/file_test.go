package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/config"
)

const example = "../../tapline.example.yaml"

// TestExampleFile keeps the file that people copy valid, and complete: each setting is in it, in a comment if it would
// contradict another.
func TestExampleFile(t *testing.T) {
	t.Parallel()
	f, err := config.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Nicknames(); len(got) != 1 {
		t.Errorf("sources %v, want one, so that --source may be left out", got)
	}
	if want := filepath.Join(filepath.Dir(example), "data"); f.DataDir != want {
		t.Errorf("data_dir %s, want %s", f.DataDir, want)
	}
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []any{
		config.File{}, config.FileDatabase{}, config.Source{}, config.Job{}, config.Alerts{}, config.QuarantineLimit{}, config.Serve{}, config.Destination{},
	} {
		typ := reflect.TypeOf(of)
		for i := range typ.NumField() {
			key := typ.Field(i).Tag.Get("yaml")
			if key != "" && key != "-" && !strings.Contains(string(text), key+":") {
				t.Errorf("%s is not in the example", key)
			}
		}
	}
}

func parse(t *testing.T, text string) *config.File {
	t.Helper()
	f, err := config.ParseFile("tapline.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParseFile(t *testing.T) {
	t.Parallel()
	f := parse(t, `
database: {dsn: "postgres://a@b/c"}
sources:
  First: &first
    account: 0123
    timezone: Asia/Kolkata
    include: Charged
    indexes: {charged: [user_id, [amount, timestamp]], app_launched: user_id}
    widen_max_rows: 1_000
  Second:
    <<: *first
    evolve: managed
  Third:
`)
	rows := int64(1000)
	first := config.Source{
		Account: "0123", Timezone: "Asia/Kolkata", Include: []string{"Charged"}, WidenMaxRows: &rows,
		Indexes: map[string][]config.Index{"charged": {{"user_id"}, {"amount", "timestamp"}}, "app_launched": {{"user_id"}}},
	}
	second := first
	second.Evolve = "managed"
	want := map[string]*config.Source{"First": &first, "Second": &second, "Third": {}}
	if diff := cmp.Diff(want, f.Sources); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	if f.Database.DSN != "postgres://a@b/c" {
		t.Errorf("database %+v", f.Database)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "sources:\n", "{}"} {
		if f := parse(t, empty); len(f.Sources) != 0 {
			t.Errorf("%q has sources %v", empty, f.Nicknames())
		}
	}
}

// Every complaint says where, and what would do; none shows a line of the file: it may have a password.
func TestWrongFile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"sourcs: {}", `f.yaml:1:1: unknown setting "sourcs", did you mean sources?: use database, data_dir`},
		{"sources:\n  A:\n    time-zone: UTC", `f.yaml:3:5: unknown setting "time-zone", did you mean timezone?: use schema, evolve,`},
		{"sources:\n  A:\n    zzzzzz: 1", `f.yaml:3:5: unknown setting "zzzzzz": use schema,`},
		{"sources:\n  A:\n    evolve: manged", `f.yaml:3:5: evolve "manged": unknown value: use auto or managed`},
		{"sources:\n  A:\n    timezone: IST", `f.yaml:3:5: timezone "IST": unknown time zone`},
		{"sources:\n  A:\n    unit_max_bytes: 3", `f.yaml:3:5: unit_max_bytes "3": no size of 64KiB or more`},
		{"sources:\n  A:\n    include: ['.x']", `f.yaml:3:5: include ".x": the pattern names nothing`},
		{"sources:\n  A:\n    schema: public", `f.yaml:3:5: schema: `},
		{"sources:\n  A:\n    widen_max_rows: many", `f.yaml:3:21: widen_max_rows is "many", which is no whole number`},
		{"sources:\n  A:\n    widen_max_rows: -1", `f.yaml:3:5: widen_max_rows is negative`},
		{"sources:\n  A:\n    schema: [a]", `f.yaml:3:13: schema is not a text`},
		{"sources:\n  A: managed", `f.yaml:2:6: A has no settings below it: use schema,`},
		{"sources: A", `f.yaml:1:10: sources has no settings below it: give names, each followed by a colon`},
		{"- A", `f.yaml:1:1: the file has no settings below it`},
		{"sources:\n  A: {}\n  a: {}", `f.yaml:3:3: sources A and a have the same schema, a`},
		{"sources:\n  pg_x: {}", `f.yaml:2:3: source: `},
		{"sources:\n  A: {}\n  A: {}", `f.yaml:3:3: no YAML: `},
		{"sources:\n\tA: {}", `f.yaml:2:1: no YAML: `},
		{"database:\n  dsn: a\n  dsn_env: B", `f.yaml:2:3: dsn and dsn_env are both given: keep one`},
		{"data_dir: a\n---\ndata_dir: b", `f.yaml:3:9: a second document`},
		{"data_dir: *a", `f.yaml:1:11: no anchor of that name`},
		{"sources: &a\n  <<: *a", `<< within <<`},
		{"sources:\n  A:\n    indexes:\n      x: [[a, a]]", `f.yaml:4:7: an index of x has a column twice`},
		{"sources:\n  A:\n    indexes:\n      x: [a, a]", `f.yaml:4:7: an index of x is there twice`},
		{"sources:\n  A:\n    indexes:\n      x: [[]]", `f.yaml:4:7: an index of x has 0 columns`},
		{"sources:\n  A:\n    indexes:\n      _loads: [id]", `f.yaml:4:7: "_loads" is no table of events`},
		{"database: {dsn: 'postgres://u:secret@h/d", `f.yaml:1:17: no YAML: `},
		{"database: [postgres://u:secret@h/d]", `f.yaml:1:11: database has no settings below it`},
	} {
		_, err := config.ParseFile("f.yaml", []byte(test.text))
		var wrong *config.FileError
		switch {
		case !errors.As(err, &wrong):
			t.Errorf("%q: error %v, want a FileError", test.text, err)
		case !strings.Contains(err.Error(), test.want):
			t.Errorf("%q:\ngot  %v\nwant %s", test.text, err, test.want)
		case strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n"):
			t.Errorf("%q: the error shows the file: %v", test.text, err)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	none := func(string) string { return "" }
	if f, err := config.Find("", none); err != nil || f.Path != "" {
		t.Errorf("without a file: %+v, %v", f, err)
	}
	write := func(name, account string) {
		t.Helper()
		if err := os.WriteFile(name, []byte("sources: {A: {account: "+account+"}}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tapline.yaml", "here")
	write("env.yaml", "env")
	write("flag.yaml", "flag")
	env := func(name string) string { return map[string]string{"TAPLINE_CONFIG": "env.yaml"}[name] }
	for _, test := range []struct {
		named string
		env   func(string) string
		want  string
	}{{"", none, "here"}, {"", env, "env"}, {"flag.yaml", env, "flag"}} {
		f, err := config.Find(test.named, test.env)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Sources["A"].Account; got != test.want {
			t.Errorf("got that of %s, want %s", got, test.want)
		}
	}
	for _, path := range []string{"missing.yaml", dir} {
		_, err := config.Find(path, none)
		var wrong *config.FileError
		if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), path+": read configuration: ") || strings.Count(err.Error(), path) > 1 {
			t.Errorf("error of %s: %v", path, err)
		}
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	f := parse(t, `
data_dir: /data
sources:
  Web_Shop: {schema: shop, evolve: managed, account: file, include: [a], exclude: [b], widen_max_rows: 0}
  Other: {}
`)
	for _, test := range []struct{ given, want config.Config }{
		{
			config.Config{Source: "Web_Shop"},
			config.Config{Source: "Web_Shop", Schema: "shop", Evolve: "managed", Files: config.Files{Account: "file"}, Include: []string{"a"}, Exclude: []string{"b"}, WidenMaxRows: -1},
		},
		{
			config.Config{Source: "web shop", Schema: "s", Evolve: "auto", Files: config.Files{Account: "flag"}, Include: []string{"x"}, Exclude: []string{"y"}},
			config.Config{Source: "Web_Shop", Schema: "s", Evolve: "auto", Files: config.Files{Account: "flag"}, Include: []string{"x"}, Exclude: []string{"y", "b"}, WidenMaxRows: -1},
		},
		{
			config.Config{Schema: "shop", Evolve: "auto"},
			config.Config{Source: "Web_Shop", Schema: "shop", Evolve: "auto", Files: config.Files{Account: "file"}, Include: []string{"a"}, Exclude: []string{"b"}, WidenMaxRows: -1},
		},
		{config.Config{Source: "New"}, config.Config{Source: "New"}},
		{config.Config{}, config.Config{}},
	} {
		got := test.given
		got.Fill(f)
		test.want.Database = config.Database{DataDir: "/data", File: "tapline.yaml"}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Fill of %+v (-want +got):\n%s", test.given, diff)
		}
	}
	var only config.Config
	only.Fill(parse(t, "sources: {Only: {evolve: managed}}"))
	if only.Source != "Only" || only.Evolve != "managed" {
		t.Errorf("the only source is not taken: %+v", only)
	}
}

// Flags win over the environment, that over the file.
func TestServerOfFile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file, flag string
		env        map[string]string
		want       config.Server
		err        string
	}{
		{"database: {dsn: in-file}", "", nil, config.Server{DSN: "in-file", Origin: "dsn in tapline.yaml"}, ""},
		{"database: {dsn: in-file}", "", map[string]string{"DATABASE_URL": "url"}, config.Server{DSN: "url", Origin: "DATABASE_URL"}, ""},
		{"database: {dsn: in-file}", "", map[string]string{"PGHOST": "h"}, config.Server{Origin: "PGHOST"}, ""},
		{"database: {dsn: in-file}", "flag", nil, config.Server{DSN: "flag", Origin: "--dsn"}, ""},
		{"database: {dsn_env: MINE}", "", map[string]string{"MINE": "mine", "DATABASE_URL": "url"}, config.Server{DSN: "mine", Origin: "MINE"}, ""},
		{"database: {dsn_env: MINE}", "flag", nil, config.Server{DSN: "flag", Origin: "--dsn"}, ""},
		{"database: {dsn_env: MINE}", "", map[string]string{"DATABASE_URL": "url", "PGHOST": "h"}, config.Server{}, "MINE: the environment variable is not set"},
		{"", "", nil, config.Server{}, ""},
	} {
		c := config.Config{Database: config.Database{DSN: test.flag}}
		c.Fill(parse(t, test.file))
		got, err := c.Database.Server(func(name string) string { return test.env[name] })
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%+v: got %+v, %v", test, got, err)
		}
	}
}

// FuzzParseFile wants an answer for any bytes, and errors that name the place and not the text.
func FuzzParseFile(f *testing.F) {
	text, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("sources: &a\n  <<: *a"))
	f.Add([]byte("sources:\n  A: {indexes: {x: [a, [b, c]]}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := config.ParseFile("f.yaml", text)
		var wrong *config.FileError
		if err != nil && !errors.As(err, &wrong) {
			t.Errorf("error %v is no FileError", err)
		}
	})
}
