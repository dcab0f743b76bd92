package dictionary_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tapline/tapline/internal/dictionary"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/schema"
)

// sourcesFile is what of sources.yml the test looks at; dbt itself reads it in CI.
type sourcesFile struct {
	Version int
	Sources []struct {
		Name, Schema string
		Config       struct {
			LoadedAtField string `yaml:"loaded_at_field"`
			Freshness     map[string]struct {
				Count  int
				Period string
			}
		}
		Tables []struct {
			Name, Description string
			Config            map[string]any
			Columns           []struct {
				Name, Description string
				DataType          string   `yaml:"data_type"`
				DataTests         []string `yaml:"data_tests"`
			}
		}
	}
}

func TestDBTSources(t *testing.T) {
	t.Parallel()
	pool := loaded(t)
	var f sourcesFile
	if err := yaml.Unmarshal(export(t, measured(t, pool, false), "dbt")[0].Content, &f); err != nil {
		t.Fatal(err)
	}
	src := f.Sources[0]
	if f.Version != 2 || src.Schema != "clevertap_prod" || src.Config.LoadedAtField != "received_at" {
		t.Errorf("source: %+v", src)
	}
	if age := src.Config.Freshness["error_after"]; age.Count != 2 || age.Period != "day" {
		t.Errorf("error_after: %+v", age)
	}
	tables := pgtest.Value[int64](t, pool, `select count(*) from pg_class where relnamespace = 'clevertap_prod'::regnamespace
		and relkind in ('r', 'v') and relname not like '\_%'`)
	if int64(len(src.Tables)) != tables {
		t.Errorf("%d tables, want %d", len(src.Tables), tables)
	}
	for _, table := range src.Tables {
		_, none := table.Config["freshness"]
		rows := pgtest.Value[int64](t, pool, `select count(*) from clevertap_prod."`+table.Name+`"`)
		if want := rows == 0 || table.Name == "tracks"; none != want {
			t.Errorf("table %s of %d rows: no freshness %v, want %v", table.Name, rows, none, want)
		}
		for _, c := range table.Columns {
			if c.Description == "" || c.DataType == "" || (c.Name == "id") != (len(c.DataTests) > 0) {
				t.Errorf("column %s.%s: %+v", table.Name, c.Name, c)
			}
		}
	}
}

// TestDBTTemplates wants nothing of a sender's in the file that Jinja would run.
func TestDBTTemplates(t *testing.T) {
	t.Parallel()
	text := string(export(t, measured(t, loaded(t), false), "dbt")[0].Content)
	if !strings.Contains(text, `{{ '{' }}{{ '{' }} 1/0 }}`) {
		t.Error("the odd event's name is not there, escaped")
	}
	if bad := regexp.MustCompile(`\{[{%#] *[^' ]`).FindString(text); bad != "" {
		t.Errorf("%q would be run", bad)
	}
}

// compile makes validators of exported schemas, by table.
func compile(t *testing.T, files []dictionary.File) map[string]*jsonschema.Schema {
	t.Helper()
	out := map[string]*jsonschema.Schema{}
	for _, f := range files {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(f.Content))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft4) // so that the file must say which one it is of
		c.AssertFormat()
		if err := c.AddResource(f.Name, doc); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if out[strings.TrimSuffix(f.Name, ".json")], err = c.Compile(f.Name); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if got := out[strings.TrimSuffix(f.Name, ".json")].DraftVersion; got != 2020 {
			t.Errorf("%s is of draft %d", f.Name, got)
		}
	}
	return out
}

// TestJSONSchemasAcceptWhatWasLoaded validates the very events of the sample.
func TestJSONSchemasAcceptWhatWasLoaded(t *testing.T) {
	t.Parallel()
	schemas := compile(t, export(t, measured(t, loaded(t), false), "json-schema"))
	for table, compiled := range schemas {
		if _, catalogued := schema.CatalogueTable(table); !catalogued && compiled.Title == "" {
			t.Errorf("%s has no title", table)
		}
	}
	n := 0
	for _, line := range append(sampleLines(t), odd...) {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		event := value.(map[string]any)
		table := map[string]string{"identify": "identifies", "page": "pages", "group": "groups", "alias": "aliases"}[event["type"].(string)]
		if table == "" {
			name := event["event"].(string)
			if folded, ok := schema.FoldEvent([]byte(name)); ok {
				name = folded
				event["event"] = name
			}
			table = schema.TableName(name)
		}
		if schemas[table] == nil {
			t.Fatalf("no schema of table %s", table)
		}
		if err := schemas[table].Validate(event); err != nil {
			t.Errorf("%s: %v", table, err)
		}
		n++
	}
	if n < 3000 {
		t.Errorf("%d events", n)
	}
}

func sampleLines(t *testing.T) []string {
	t.Helper()
	f, err := os.Open(sample)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func TestJSONSchemasRefuse(t *testing.T) {
	t.Parallel()
	schemas := compile(t, export(t, measured(t, loaded(t), false), "json-schema"))
	for _, c := range []struct{ table, event string }{
		{"odd_1_0", `{"type":"track","event":"Another"}`},
		{"odd_1_0", `{"type":"identify","event":"Odd {{ 1/0 }}"}`},
		{"odd_1_0", `{"type":"track","event":"Odd {{ 1/0 }}","properties":{"n":"many"}}`},
		{"odd_1_0", `{"type":"track","event":"Odd {{ 1/0 }}","properties":{"n":1.5}}`},
		{"odd_1_0", `{"type":"track","event":"Odd {{ 1/0 }}","properties":{"nested":{"b":{"c":"yes"}}}}`},
		{"odd_1_0", `{"type":"track","event":"Odd {{ 1/0 }}","properties":{"nested":7}}`},
		{"odd_1_0", `{"type":"track","event":"Odd {{ 1/0 }}","properties":{"at":"yesterday"}}`},
		{"odd_1_0", `{"type":"track"}`},
		{"identifies", `{"type":"identify","traits":{"address":{"city":1}}}`},
		{"identifies", `{"type":"identify","context":{"app":{"version":1}}}`},
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(c.event))
		if err != nil {
			t.Fatal(err)
		}
		if schemas[c.table] == nil {
			t.Fatalf("no schema of table %s", c.table)
		}
		if err := schemas[c.table].Validate(value); err == nil {
			t.Errorf("%s accepts %s", c.table, c.event)
		}
	}
}

func TestBundleOfJSONSchemas(t *testing.T) {
	t.Parallel()
	files := export(t, measured(t, loaded(t), false), "json-schema")
	var all map[string]map[string]any
	if err := json.Unmarshal(dictionary.Bundle(files, "json-schema"), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != len(files) || all["signed_up"]["title"] != "Signed Up" || all["tracks"] != nil || all["users"] != nil {
		t.Errorf("%d schemas of %d files", len(all), len(files))
	}
}

func TestTrackingPlan(t *testing.T) {
	t.Parallel()
	rows, err := csv.NewReader(bytes.NewReader(export(t, measured(t, loaded(t), false), "tracking-plan-csv")[0].Content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	types := map[[3]string]string{}
	for i, row := range rows {
		if i == 0 {
			if row[1] != "Event Type" || row[10] != "Enum Values" {
				t.Errorf("header %q", row)
			}
			continue
		}
		types[[3]string{row[1], row[2], row[3]}] = row[8]
	}
	for key, want := range map[[3]string]string{
		{"Track", "App Launched", ""}:               "",
		{"Track", "App Launched", "CT Latitude"}:    "number",
		{"Track", "App Launched", "CT Session Id"}:  "integer",
		{"Track", "Odd {{ 1/0 }}", "nested.b.c"}:    "boolean",
		{"Track", "Odd {{ 1/0 }}", "at"}:            "date-time",
		{"Track", "Odd {{ 1/0 }}", "x: \"y\"\n- z"}: "string",
		{"Identify", "", "address.city"}:            "string",
		{"Page", "", "url"}:                         "string",
		{"Group", "", "seats"}:                      "integer",
	} {
		if got, ok := types[key]; !ok || got != want {
			t.Errorf("%q is %q (%v), want %q", key, got, ok, want)
		}
	}
	if _, there := types[[3]string{"Track", "App Launched", "id"}]; there {
		t.Error("id is no property")
	}
}

// TestMarkdownQueriesRun runs every query of the dictionary.
func TestMarkdownQueriesRun(t *testing.T) {
	t.Parallel()
	pool := loaded(t)
	pgtest.Exec(t, pool, "analyze")
	text := string(export(t, measured(t, pool, false), "markdown")[0].Content)
	queries := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(queries) < 20 {
		t.Errorf("%d queries", len(queries))
	}
	answers := 0
	for _, q := range queries {
		if len(pgtest.Query(t, pool, q[1])) > 0 {
			answers++
		}
	}
	if answers < 15 {
		t.Errorf("%d of %d queries have an answer", answers, len(queries))
	}
	for row := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(row, "| `") && strings.Count(row, "|")-strings.Count(row, `\|`) != 6 {
			t.Errorf("not five cells: %s", row)
		}
		if strings.Contains(row, "<b>") && !strings.Contains(row, "`` |<b>") && !strings.Contains(row, "`` \\|<b>") {
			t.Errorf("HTML of a sender's: %s", row)
		}
	}
}
