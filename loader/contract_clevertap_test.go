package loader_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

const contractPages = "../testdata/contract/files/clevertap/"

// TestCleverTapRules loads the cases of CleverTap's own records, as JSON and as CSV, of a project in Berlin.
func TestCleverTapRules(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	inputs := []string{"ct-records.ndjson", "ct-named.ndjson", "ct-export.csv", "csv-segment.csv"}
	var paths []string
	for _, in := range inputs {
		paths = append(paths, rulesDir+in)
	}
	o := loader.FileOptions{Timezone: zone(t, "Europe/Berlin"), Account: "ACC"}
	report := loadFiles(t, pool, loader.Config{}, o, paths...)
	s := readStored(t, pool, "clevertap_prod")
	var all []expectation
	for i, in := range inputs {
		want := readExpected(t, rulesDir+strings.TrimSuffix(in, filepath.Ext(in))+".expected.jsonl")
		for n := range want {
			want[n].Case = in + " " + want[n].Case
		}
		all = append(all, want...)
		checkCounts(t, report.Units[i].Counts, want)
		s.checkQuarantine(t, in, readFile(t, paths[i]), want)
	}
	s.checkRows(t, all)
	notes := report.Notes
	if notes.AmbiguousHours != 1 || notes.MissingHours != 1 || notes.TimeZone != "Europe/Berlin" {
		t.Errorf("got notes %+v, want one hour of either kind", notes)
	}
	before := contents(t, pool, "clevertap_prod")
	dir := t.TempDir()
	for i, in := range inputs {
		writeFile(t, filepath.Join(dir, in), readFile(t, paths[i]))
	}
	again := loadFiles(t, pool, loader.Config{ChunkBytes: 10_000}, o, dir)
	if again.Duplicates != report.Accepted {
		t.Errorf("second load: %+v, want %d duplicates", again.Counts, report.Accepted)
	}
	if diff := cmp.Diff(before, contents(t, pool, "clevertap_prod")); diff != "" {
		t.Errorf("the second load changed something:\n%s", diff)
	}
}

// TestCleverTapPages loads replies of the API that were saved to files, one after the other.
func TestCleverTapPages(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	o := loader.FileOptions{Format: "clevertap", Event: "Charged Once", Timezone: zone(t, "Asia/Kolkata"), Account: "ACC"}
	for _, page := range []struct {
		file                           string
		loaded, quarantined, duplicate int64
		discards                       int64
	}{
		{"page1.json", 5, 0, 0, 0},
		{"page_overlap.json", 1, 0, 2, 0},
		{"page3_last.json", 3, 0, 0, 0},
		{"identical_twins.json", 2, 0, 0, 0},
		{"odd_ts.json", 5, 0, 0, 3},
		{"odd_props.json", 2, 2, 0, 1},
		{"missing_identity_large_int.json", 1, 0, 0, 0},
		{"page2_empty_with_cursor.json", 0, 0, 0, 0},
	} {
		r := loadFiles(t, pool, loader.Config{}, o, contractPages+page.file)
		if r.Loaded != page.loaded || r.Quarantined != page.quarantined || r.Duplicates != page.duplicate || r.Discarded != page.discards {
			t.Errorf("%s: %+v, want %+v", page.file, r.Counts, page)
		}
	}
	again := loadFiles(t, pool, loader.Config{}, o, writeFile(t, t.TempDir()+"/copy", readFile(t, contractPages+"identical_twins.json")))
	if again.Duplicates != 2 || again.Accepted != 2 {
		t.Errorf("twins again: %+v, want 2 duplicates", again.Counts)
	}
	checkPages(t, readStored(t, pool, "clevertap_prod"))
}

// checkPages looks at the rows that the odd pages make.
func checkPages(t *testing.T, s *stored) {
	t.Helper()
	const charged = "charged_once"
	times := map[string]string{}
	for id, row := range s.tables[charged].rows {
		device := row["anonymous_id"]
		times[device] = row["original_timestamp"]
		switch device {
		case "__x":
			if row["user_id"] != "9007199254740993123" {
				t.Errorf("large identity is %q", row["user_id"])
			}
		case "__ct0015":
			want := []expectedDiscard{{"amount", "column_name_collision", "1"}}
			got := s.discards[rowKey{charged, id}]
			if row["amount"] != "2" || row["items"] != `[{"id": 1}]` || row["prop_e3b0c442"] != "3" || cmp.Diff(want, got) != "" {
				t.Errorf("odd properties: %v, discards %v", row, got)
			}
		}
	}
	for device, want := range map[string]string{
		"__ct0010": "", "__ct0011": "2026-01-15 04:30:00+00", "__ct0012": "", "__ct0013": "2026-01-15 10:00:00+00", "__ct0014": "",
	} {
		if times[device] != want {
			t.Errorf("time of %s: got %q, want %q", device, times[device], want)
		}
	}
	for _, q := range s.quarantine {
		if q.reason != "no_user_anon_id" {
			t.Errorf("quarantine: %+v", q)
		}
	}
}

// TestCleverTapIDs loads records that are one event however they are written, and records that are not.
func TestCleverTapIDs(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	dir := t.TempDir()
	o := loader.FileOptions{Format: "clevertap", Timezone: zone(t, "Asia/Kolkata"), Account: "ACC"}
	const first = `{"ts":20260115100000,"eventName":"GeoCluster Entered","profile":{"objectId":"o","identity":"i","email":"e@x","phone":1},` +
		`"eventProps":{"CT Source":"Web","amount":1,"empty":"","text":"a","list":["a",1]},"session_props":{"utm_source":"s"}}`
	record := func(replace ...string) string { return strings.NewReplacer(replace...).Replace(first) }
	for i, c := range []struct {
		name, record string
		same         bool
		options      func(*loader.FileOptions)
	}{
		{name: "the first", record: first},
		{"byte for byte", first, true, nil},
		{"number with a point", record(`"amount":1`, `"amount":1.0`), true, nil},
		{"number with an exponent", record(`"amount":1`, `"amount":10e-1`), true, nil},
		{"number in a string", record(`"amount":1`, `"amount":" 1 "`), true, nil},
		{"another order", record(`"CT Source":"Web","amount":1`, `"amount":1,"CT Source":"Web"`), true, nil},
		{"the API's spelling", record("eventProps", "event_props", "CT Source", "ct_source", "session_props", "sessionProps"), true, nil},
		{"without empties", record(`"empty":"",`, ``), true, nil},
		{"null", record(`"empty":""`, `"empty":null`), true, nil},
		{"folded event", record("GeoCluster Entered", "geocluster entered"), true, nil},
		{"today's profile", record(`"email":"e@x"`, `"email":"new@x","profileData":{"plan":"gold"}`), true, nil},
		{"device", record(`"session_props"`, `"deviceInfo":{"make":"m"},"session_props"`), true, nil},
		{"other user_identity", first, true, func(o *loader.FileOptions) { o.UserIdentity = "email" }},
		{"other zone", first, true, func(o *loader.FileOptions) { o.Timezone = zone(t, "Europe/Berlin") }},
		{"other account", first, false, func(o *loader.FileOptions) { o.Account = "OTHER" }},
		{"other time", record("20260115100000", "20260115100001"), false, nil},
		{"other device", record(`"objectId":"o"`, `"objectId":"p"`), false, nil},
		{"other value", record(`"amount":1`, `"amount":2`), false, nil},
		{"other session", record(`"utm_source":"s"`, `"utm_source":"t"`), false, nil},
		{"other event", record("GeoCluster Entered", "GeoCluster Exited"), false, nil},
		{"other property", record(`"amount":1`, `"amounts":1`), false, nil},
		{"device unknown", record(`"objectId":"o",`, ``), false, nil},
		{"device unknown, today's email", record(`"objectId":"o",`, ``, "e@x", "f@x"), true, nil},
	} {
		own := o
		if c.options != nil {
			c.options(&own)
		}
		path := writeFile(t, filepath.Join(dir, string(rune('a'+i))), []byte(c.record+"\n"))
		r := loadFiles(t, pool, loader.Config{}, own, path)
		if got := r.Duplicates == 1 && r.Loaded == 0; got != c.same || r.Accepted != 1 {
			t.Errorf("%s: %+v, want the same event: %v", c.name, r.Counts, c.same)
		}
	}
}

// TestUserIdentity loads one record with each setting of user_identity.
func TestUserIdentity(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	dir := t.TempDir()
	const record = `{"ts":20260115100000,"eventName":"EVENT","profile":{"objectId":"device","identity":"id1,id2","email":"e@x","phone":4912345}}`
	for setting, want := range map[string]string{
		"": "id1", "identity": "id1", "email": "e@x", "phone": "4912345", "clevertap_id": "device",
	} {
		name := "by" + strings.ReplaceAll(setting, "_", "")
		path := writeFile(t, filepath.Join(dir, name), []byte(strings.ReplaceAll(record, "EVENT", name)))
		loadFiles(t, pool, loader.Config{}, loader.FileOptions{
			Timezone: zone(t, "Asia/Kolkata"), Account: "ACC", UserIdentity: setting,
		}, path)
		got := pgtest.Value[string](t, pool, "select user_id || ' ' || anonymous_id from clevertap_prod."+quote(name))
		if got != want+" device" {
			t.Errorf("user_identity %q: got %q, want %q", setting, got, want)
		}
	}
}

// TestCleverTapSettings loads a CleverTap file without the settings that its records do not hold.
func TestCleverTapSettings(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	for setting, o := range map[string]loader.FileOptions{
		"timezone": {Account: "ACC"}, "account": {Timezone: zone(t, "Asia/Kolkata")},
	} {
		_, err := filesReport(t, pool, loader.Config{}, o, rulesDir+"ct-named.ndjson")
		if err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("without %s: got error %v", setting, err)
		}
	}
}

// TestFutureEvents loads events of which some lie in the future: the sign of a wrong time zone.
func TestFutureEvents(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	path := writeFile(t, t.TempDir()+"/future", []byte(
		`{"ts":20990115100000,"eventName":"Later","profile":{"objectId":"o"}}`+"\n"+
			`{"ts":20200115100000,"eventName":"Later","profile":{"objectId":"o"}}`+"\n"))
	r := loadFiles(t, pool, loader.Config{}, loader.FileOptions{Timezone: zone(t, "Asia/Kolkata"), Account: "ACC"}, path)
	if r.Notes.Future != 1 || r.Notes.TimeZone != "Asia/Kolkata" {
		t.Errorf("got notes %+v, want 1 event in the future and the zone", r.Notes)
	}
}
