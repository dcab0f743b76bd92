package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tapline/tapline/internal/config"
)

const wrongFile = `database:
  dsn_env: MISSING
sources:
  Web:
    timezon: UTC
    region: eu
  CleverTap_Prod:
    timezone: Asia/Kolkatta
jobs:
  one:
    kind: laod
    source: Wbe
    schedule: "61 * * * *"
    timezone: Mars/Olympus
    retries: many
    catch_up: perhaps
    shedule: "@daily"
  two:
    kind: load
    source: Web
    inputs: [here/, gone/, 's3://bucket/x', '*.json', 'x-{tomorrow}.json']
    watch: 10s
    schedule: "@daily"
  three: {kind: prune, source: Web, jitter: -1s, overlap: maybe, timeout: 10}
  "a b": {kind: federate}
alerts:
  webhook_file: secret
  cooldown: 0s
  timeout: 5m
  stale: {Web: {"[": 6h}, Shop: {x: soon}}
  quarantine: {Web: {percent: 101}}
`

// Everything that is wrong is found at once, with its line, and what is missing here as warnings.
func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "t.yaml")
	if err := os.WriteFile(path, []byte(wrongFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "here"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, findings, err := config.Check(path, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range findings {
		got = append(got, strings.TrimPrefix(findings[i].String(), dir+"/"))
	}
	want := []string{
		`t.yaml:2:3: warning: the environment variable MISSING is not set here`,
		`t.yaml:5:5: unknown setting "timezon", did you mean timezone?`,
		`t.yaml:8:5: timezone "Asia/Kolkatta": unknown time zone`,
		`t.yaml:11:5: kind "laod": unknown value, did you mean load?: use load, pull, verify, replay, prune or federate`,
		`t.yaml:12:5: source "Wbe" is not in sources, did you mean Web?: sources are CleverTap_Prod or Web`,
		`t.yaml:13:5: schedule "61 * * * *": end of range (61) above maximum (59): 61`,
		`t.yaml:14:5: timezone "Mars/Olympus": unknown time zone: use an IANA name`,
		`t.yaml:15:14: retries is "many", which is no whole number`,
		`t.yaml:16:15: catch_up is "perhaps": use true or false`,
		`t.yaml:17:5: unknown setting "shedule", did you mean schedule?`,
		`t.yaml:21:5: {tomorrow} is no date: use {today}, {yesterday} or {today-7d}`,
		`t.yaml:21:5: warning: the input gone/ is not here`,
		`t.yaml:22:5: watch and schedule are both given`,
		`t.yaml:24:37: jitter "-1s": no length of time of 0s or more`,
		`t.yaml:24:50: overlap "maybe": unknown value: use wait, skip or fail`,
		`t.yaml:24:66: timeout "10": no length of time of 1s or more`,
		`t.yaml:25:3: job "a b": the name is not of letters`,
		`t.yaml:27:3: warning: the file secret is not here`,
		`t.yaml:28:3: cooldown "0s": no length of time of 1s or more`,
		`t.yaml:29:3: timeout "5m": longer than a minute`,
		`t.yaml:30:17: "[" is no pattern of tables`,
		`t.yaml:30:27: source "Shop" is not in sources`,
		`t.yaml:30:34: x "soon": no length of time of 1s or more`,
		`t.yaml:31:22: percent is 101: use more than 0, at most 100`,
	}
	for i := range want {
		if i < len(got) && strings.HasPrefix(got[i], want[i]) {
			got[i] = want[i]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, _, err := config.Check(filepath.Join(dir, "nowhere.yaml"), os.Getenv); err == nil {
		t.Error("a file that is not there is fine")
	}
}

// TestCheckExample wants nothing wrong with the file that people copy; the environment and the folders it names are theirs.
func TestCheckExample(t *testing.T) {
	t.Parallel()
	_, findings, err := config.Check(example, func(string) string { return "set" })
	if err != nil {
		t.Fatal(err)
	}
	for i := range findings {
		if !findings[i].Warning {
			t.Error(findings[i].String())
		}
	}
}

// jsonValue is what an editor makes of YAML.
func jsonValue(t *testing.T, text []byte) any {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchema wants the schema to take the example, and files that are read, and to refuse what is refused there.
func TestSchema(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(config.Schema())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("tapline.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("tapline.json")
	if err != nil {
		t.Fatal(err)
	}
	valid, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		string(valid), "sources: {A: , B: {account: 123, include: x, exclude: [y, z], indexes: {t: [a, [b, c]], u: d}}}", "sources:\n",
		"sources: {A: }\njobs: {a: {kind: load, inputs: x, jitter: 1h30m, timeout: 2d}}\nalerts: {webhook_env: X, stale: {A: {t: 6h}}}",
		"sources: {A: {evolve: , user_identity: }}\njobs: {a: {kind: prune, jitter: 0, timeout: , backoff: .5h, overlap: }}",
	} {
		if err := schema.Validate(jsonValue(t, []byte(text))); err != nil {
			t.Errorf("%q is refused: %v", text, err)
		}
		if _, err := config.ParseFile("f.yaml", []byte(text)); err != nil {
			t.Errorf("%q is not read: %v", text, err)
		}
	}
	for _, text := range []string{
		"sourcs: {}", "sources: {A: {evolve: manged}}", "sources: {A: {time_zone: UTC}}", "sources: A", "jobs: {a: {kind: laod}}",
		"jobs: {a: {kind: prune, retries: many}}", "jobs: {a: {kind: prune, jitter: soon}}", "alerts: {allow_http: maybe}",
		"alerts: {quarantine: {A: {percent: lots}}}", "alerts: {stale: {A: [t]}}", "sources: {A: }\njobs: {a: {kind: }}",
		"sources: {A: }\njobs: {a: {kind: prune, jitter: 1.2.3h}}", "sources: {A: }\njobs: {a: {kind: prune, jitter: 90}}",
	} {
		if schema.Validate(jsonValue(t, []byte(text))) == nil {
			t.Errorf("%q is taken", text)
		}
		if _, err := config.ParseFile("f.yaml", []byte(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}
