package cli_test

import (
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/registry"
)

// registered is what source add, set and show print as JSON.
type registered struct {
	Source     string
	Schema     string
	Settings   registry.Settings
	Enabled    bool
	Created    bool
	ActiveKeys int `json:"active_keys"`
	Keys       []registry.Key
	Paused     *registry.Pause
}

func TestSourceAdd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contains(t, w.must(0, "source", "list").stdout, "no source yet", "source add NICKNAME")
	contains(t, w.must(0, "source", "add", "My Shop!", "--dry-run").stdout, "schema my_shop\n")
	contains(t, w.must(0, "source", "list").stdout, "no source yet")
	r := w.must(0, "source", "add", "CleverTap_Prod", "--region", "eu", "--user-identity", "email", "--timezone", "Asia/Kolkata")
	contains(t, r.stdout, "Added source CleverTap_Prod", "clevertap_prod, which the first load makes", "eu", "Asia/Kolkata", "source keys create CleverTap_Prod")
	var s registered
	w.json(0, &s, "source", "add", "CleverTap_Prod", "--account", "A1")
	want := registry.Settings{Region: "eu", UserIdentity: "email", Timezone: "Asia/Kolkata", Account: "A1"}
	if s.Created || !s.Enabled || s.Schema != "clevertap_prod" || s.Settings != want {
		t.Errorf("again: %+v", s)
	}
	for line, want := range map[string]string{
		"source add":                                    "NICKNAME: not given",
		"source add !!!":                                "!!!",
		"source add Web --region Mars!":                 `--region "Mars!": no name of a region`,
		"source add CleverTap-Prod":                     `belongs to source "CleverTap_Prod"`,
		"source add CleverTap_Prod --schema x":          "has schema clevertap_prod already",
		"source add CleverTap_Prod --region us":         "its region is eu, not us: a region changes only with tapline source set",
		"source set CleverTap_Prod":                     "nothing to change",
		"source set Nobody --region us":                 `no source "Nobody": this database has CleverTap_Prod`,
		"source disable Nobody":                         `no source "Nobody"`,
		"source keys revoke CleverTap_Prod key_x":       `no key "key_x" of source CleverTap_Prod: see`,
		"source keys revoke CleverTap_Prod":             "give two words",
		"source remove CleverTap_Prod":                  "Schema clevertap_prod stays",
		"source set CleverTap_Prod --user-identity age": `--user-identity "age": unknown value`,
	} {
		contains(t, w.must(64, strings.Fields(line)...).stderr, want)
	}
	w.json(0, &s, "source", "set", "CleverTap_Prod", "--region", "us")
	if s.Settings.Region != "us" || s.Settings.Account != "A1" {
		t.Errorf("set: %+v", s)
	}
}

// Between its making and its first load a source has no schema: whoever looks at it hears that, not what Postgres says.
func TestSourceWithNothingYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "source", "add", "Web", "--region", "eu")
	contains(t, w.must(0, "status").stdout, "Web", "schema web", "0 finished")
	contains(t, w.must(0, "status", "--source", "Web").stdout, "0 finished")
	for _, line := range []string{
		"quarantine list", "quarantine replay", "loads list", "prune --loads-older-than 1h",
		"loads undo 1", "schema widen a.b double",
	} {
		contains(t, w.must(1, strings.Fields(line)...).stderr, "nothing was loaded of source Web yet: its first load makes schema web")
	}
	for _, line := range []string{"schema show", "schema diff", "migrate status", "doctor", "federate --once", "verify --from 2026-01-01 --to 2026-01-01"} {
		r := w.run(strings.Fields(line + " --source Web")...)
		if text := r.stdout + r.stderr; strings.Contains(text, "SQLSTATE") {
			t.Errorf("%s: %s", line, text)
		}
	}
}

func TestSourceSwitchAndRemove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("a.ndjson", purchases(3)), "-s", "Web", "-q")
	contains(t, w.must(0, "source", "add", "Web").stdout, "Source Web was there already", "web, which is there")
	contains(t, w.must(0, "source", "disable", "web").stdout, "Disabled source Web")
	contains(t, w.must(0, "source", "list").stdout, "Web", "disabled")
	var s registered
	w.json(0, &s, "source", "show", "Web")
	if s.Enabled || s.Schema != "web" || s.Keys == nil {
		t.Errorf("disabled: %+v", s)
	}
	contains(t, w.must(0, "source", "enable", "Web").stdout, "Enabled source Web")
	pool := pgtest.PoolAt(t, w.dsn)
	if err := registry.SetPaused(t.Context(), pool, "Web", "the right is missing"); err != nil {
		t.Fatal(err)
	}
	contains(t, w.must(0, "status").stdout, "what arrives over HTTP waits since", "the right is missing")
	contains(t, w.must(0, "source", "show", "Web").stdout, "loading paused", "the right is missing")
	contains(t, w.must(0, "source", "list").stdout, "loading paused")

	var key struct {
		ID       string
		WriteKey string `json:"write_key"`
	}
	w.json(0, &key, "source", "keys", "create", "Web")
	contains(t, w.must(0, "source", "remove", "Web", "--yes").stdout, "Removed source Web", "Schema web stays")
	contains(t, w.must(0, "source", "list").stdout, "no source yet")
	if n := pgtest.Value[int64](t, pool, "select count(*) from web.purchase_made"); n != 3 {
		t.Errorf("%d events are left", n)
	}
	// A load takes it over as it is.
	contains(t, w.must(0, "load", w.file("b.ndjson", identify), "-s", "Web").stdout, "Loaded 1 event")
	w.json(0, &s, "source", "show", "Web")
	if len(s.Keys) != 0 || s.Settings != (registry.Settings{}) {
		t.Errorf("taken over: %+v", s)
	}
	if n := pgtest.Value[int64](t, pool, "select count(*) from tapline.audit where source = 'Web'"); n < 4 {
		t.Errorf("%d audit entries", n)
	}
}

func TestSourceKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "source", "add", "Web")
	contains(t, w.must(0, "source", "keys", "list", "Web").stdout, "No write keys")
	r := w.must(0, "source", "keys", "create", "Web", "--label", "the shop")
	var secret string
	for _, word := range strings.Fields(r.stdout) {
		if strings.HasPrefix(word, "tl_") {
			secret = word
		}
	}
	if registry.CheckSecret(secret) != nil || !strings.Contains(r.stdout, "shown this once") {
		t.Fatalf("no key in: %s", r.stdout)
	}
	shown := w.must(0, "source", "keys", "list", "Web").stdout + w.must(0, "source", "show", "Web", "--json").stdout
	contains(t, shown, "the shop", secret[:9], "never")
	if strings.Contains(shown, secret[10:]) {
		t.Error("the key is shown again")
	}
	w.must(0, "source", "keys", "create", "Web")
	contains(t, w.must(64, "source", "keys", "create", "Web").stderr, "2 active keys already: revoke one first")
	contains(t, w.must(0, "source", "keys", "revoke", "Web", secret[:9]).stdout, "Revoked key_", secret[:9]+"…")
	contains(t, w.must(0, "source", "keys", "list", "Web").stdout, "revoked 20")
	w.must(0, "source", "keys", "create", "Web")
	var s registered
	w.json(0, &s, "source", "show", "Web")
	if s.ActiveKeys != 2 || len(s.Keys) != 3 {
		t.Errorf("%d active of %d", s.ActiveKeys, len(s.Keys))
	}
}

// TestLoadUsesRegistered: what is noted of a source is used by loads, unless a flag or the configuration file says otherwise.
func TestLoadUsesRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool := pgtest.PoolAt(t, w.dsn)
	export := func(name, at string) string {
		return w.file(name, `{"eventName":"App Launched","ts":`+at+`,"profile":{"objectId":"o1","identity":"u1","email":"a@example.com"},"eventProps":{"CT Source":"x"}}`+"\n")
	}
	first := export("a.json", "20260115100000")
	contains(t, w.must(64, "load", first, "-s", "Other").stdout, "--timezone") // nothing is noted of it
	w.must(0, "source", "add", "CleverTap_Prod", "--schema", "ct", "--timezone", "Asia/Kolkata", "--account", "A1", "--user-identity", "email")
	w.must(0, "load", first, "-s", "CleverTap_Prod", "-q")
	row := func(where string) []any {
		t.Helper()
		return pgtest.Query(t, pool, "select user_id, extract(hour from \"timestamp\" at time zone 'UTC')::text from ct.app_launched where "+where)[0]
	}
	if got := row("true"); got[0] != "a@example.com" || got[1] != "4" { // 10:00 in Kolkata is 04:30
		t.Errorf("as it is noted: %v", got)
	}
	w.must(0, "load", export("b.json", "20260116120000"), "-s", "CleverTap_Prod", "-q", "--timezone", "UTC", "--user-identity", "identity")
	if got := row("\"timestamp\" > '2026-01-16'"); got[0] != "u1" || got[1] != "12" {
		t.Errorf("flags: %v", got)
	}
	config := w.file("tapline.yaml", "sources: {CleverTap_Prod: {timezone: America/New_York}}")
	w.must(0, "load", export("c.json", "20260117120000"), "-s", "CleverTap_Prod", "-q", "--config", config)
	if got := row("\"timestamp\" > '2026-01-17'"); got[0] != "a@example.com" || got[1] != "17" {
		t.Errorf("the configuration file: %v", got)
	}
	if got := pgtest.Value[int64](t, pool, "select count(*) from tapline.sources where nickname like 'Clever%'"); got != 1 {
		t.Errorf("%d sources", got)
	}
}

// TestRenameWithKeys: what waits in the stream would be left behind by a rename.
func TestRenameWithKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(0, "load", w.file("a.ndjson", purchases(3)), "-s", "Web", "-q")
	w.must(0, "source", "keys", "create", "Web")
	contains(t, w.must(64, "source", "rename", "Web", "Shop").stderr, "takes events over HTTP", "source disable Web first")
	w.must(0, "source", "rename", "Web", "Shop", "--dry-run")
	w.must(0, "source", "disable", "Web")
	w.must(0, "source", "rename", "Web", "Shop")
	var s registered
	w.json(0, &s, "source", "show", "Shop")
	if s.Schema != "shop" || s.Enabled || s.ActiveKeys != 1 {
		t.Errorf("renamed: %+v", s)
	}
}
