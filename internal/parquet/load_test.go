package parquet_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	pq "github.com/parquet-go/parquet-go"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/loader/objects"

	"github.com/tapline/tapline/internal/source/blob/blobtest"
)

// member is a value of a map in the newer shape: a union of Avro, as its Parquet writer stores it.
type member struct {
	Text *string  `parquet:"member0,optional"`
	List []string `parquet:"member1,list"`
	Int  *int64   `parquet:"member2,optional"`
}

func text(s string) member  { return member{Text: &s} }
func number(n int64) member { return member{Int: &n} }

// newer is the shape of the newer exports: times in epoch seconds, as text, and maps.
type newer struct {
	EventName  string            `parquet:"eventName"`
	EventTime  string            `parquet:"eventTime"`
	Identity   map[string]member `parquet:"identity"`
	EventProps map[string]member `parquet:"eventProps"`
	DeviceInfo map[string]member `parquet:"deviceInfo"`
	Profile    map[string]member `parquet:"profile"`
}

// nested is the shape of the JSON export.
type nested struct {
	TS        int64  `parquet:"ts"`
	EventName string `parquet:"eventName"`
	Profile   *struct {
		Identity      *string  `parquet:"identity,optional"`
		ObjectID      *string  `parquet:"objectId,optional"`
		AllIdentities []string `parquet:"all_identities,list"`
		Platform      *string  `parquet:"platform,optional"`
		Phone         *int64   `parquet:"phone,optional"`
	} `parquet:"profile,optional"`
	DeviceInfo *struct {
		Make       *string `parquet:"make,optional"`
		Dimensions *struct {
			Width *int64  `parquet:"width,optional"`
			Unit  *string `parquet:"unit,optional"`
		} `parquet:"dimensions,optional"`
	} `parquet:"deviceInfo,optional"`
	EventProps *struct {
		Source   *string  `parquet:"CT Source,optional"`
		Session  *int64   `parquet:"CT Session Id,optional"`
		Latitude *float64 `parquet:"CT Latitude,optional"`
		WiFi     *bool    `parquet:"ct_connected_to_wifi,optional"`
	} `parquet:"eventProps,optional"`
	SessionProps *struct {
		Source *string `parquet:"utm_source,optional"`
	} `parquet:"session_props,optional"`
	Group *string `parquet:"controlGroupName,optional"`
}

// documented is what the documentation names.
type documented struct {
	Timestamp  int64  `parquet:"timestamp"`
	EventName  string `parquet:"eventName"`
	Properties string `parquet:"eventProperties,json"`
}

// flattened has the columns of the CSV export.
type flattened struct {
	TS       int64   `parquet:"ts"`
	Event    string  `parquet:"eventName"`
	Identity *string `parquet:"profile.identity,optional"`
	Make     *string `parquet:"deviceInfo.make,optional"`
	Width    *int64  `parquet:"deviceInfo.dimensions.width,optional"`
	Source   *string `parquet:"eventProps.CT Source,optional"`
	UTM      *string `parquet:"sessionProps.utm_source,optional"`
}

func ptr[T any](v T) *T { return &v }

// shapes are the same events as Parquet and as CleverTap's JSON.
func shapes(t *testing.T) map[string][2][]byte {
	t.Helper()
	var a nested
	a.TS, a.EventName = 20261004010203, "App Launched"
	nestedRows := []nested{a, a, {TS: 20261004010204, EventName: "UTM Visited"}, {TS: 0, EventName: "GeoCluster Entered"}}
	for i := range nestedRows[:2] {
		r := &nestedRows[i]
		r.Profile = new(struct {
			Identity      *string  `parquet:"identity,optional"`
			ObjectID      *string  `parquet:"objectId,optional"`
			AllIdentities []string `parquet:"all_identities,list"`
			Platform      *string  `parquet:"platform,optional"`
			Phone         *int64   `parquet:"phone,optional"`
		})
		r.Profile.Identity, r.Profile.ObjectID, r.Profile.AllIdentities = ptr("u-1,u-2"), ptr("__a1"), []string{"u-1", "pat@example.org"}
		r.Profile.Platform, r.Profile.Phone = ptr("Android"), ptr[int64](15550100)
	}
	first, third := &nestedRows[0], &nestedRows[2]
	first.EventProps = new(struct {
		Source   *string  `parquet:"CT Source,optional"`
		Session  *int64   `parquet:"CT Session Id,optional"`
		Latitude *float64 `parquet:"CT Latitude,optional"`
		WiFi     *bool    `parquet:"ct_connected_to_wifi,optional"`
	})
	first.EventProps.Source, first.EventProps.Session, first.EventProps.Latitude, first.EventProps.WiFi = ptr("Mobile"), ptr[int64](1767323045), ptr(12.5), ptr(true)
	first.DeviceInfo = new(struct {
		Make       *string `parquet:"make,optional"`
		Dimensions *struct {
			Width *int64  `parquet:"width,optional"`
			Unit  *string `parquet:"unit,optional"`
		} `parquet:"dimensions,optional"`
	})
	first.DeviceInfo.Make = ptr("acme")
	third.SessionProps = new(struct {
		Source *string `parquet:"utm_source,optional"`
	})
	third.SessionProps.Source, third.Group = ptr("mail"), ptr("held out")
	third.Profile = nestedRows[1].Profile
	nestedRows[3].Profile = nestedRows[1].Profile

	who := `"profile":{"identity":"u-1,u-2","objectId":"__a1","all_identities":["u-1","pat@example.org"],"platform":"Android","phone":15550100}`
	return map[string][2][]byte{
		"nested": {fileOf(t, nestedRows), lines(
			`{"ts":20261004010203,"eventName":"App Launched",`+who+`,"deviceInfo":{"make":"acme"},"eventProps":{"CT Source":"Mobile","CT Session Id":1767323045,"CT Latitude":12.5,"ct_connected_to_wifi":true}}`,
			`{"ts":20261004010203,"eventName":"App Launched",`+who+`}`,
			`{"ts":20261004010204,"eventName":"UTM Visited",`+who+`,"session_props":{"utm_source":"mail"},"controlGroupName":"held out"}`,
			`{"ts":0,"eventName":"GeoCluster Entered",`+who+`}`,
		)},
		"newer": {fileOf(t, []newer{
			{
				EventName: "Notification Clicked", EventTime: "1791072000",
				Identity:   map[string]member{"clevertapId": text("__b2"), "identity": text("u-3"), "all_identities": {List: []string{"u-3"}}},
				EventProps: map[string]member{"Campaign id": number(17), "wzrk_ttl": number(1767400000), "wzrk_c2a": text("Buy"), "Labels": {List: []string{"a", "b, c"}}},
				DeviceInfo: map[string]member{"platform": text("iOS"), "make": text("acme"), "osVersion": text("14"), "token": text("apns:1"), "width": number(65), "unit": text("mm")},
				Profile:    map[string]member{"name": text("Pat \"P\" Example")},
			},
			{EventName: "Charged", EventTime: "1791072001", Identity: map[string]member{"identity": text("u-3")}},
			{EventName: "Charged", EventTime: "1791072001", Identity: map[string]member{"identity": text("u-3")}},
			{EventName: "Charged", EventTime: "1791072001"}, // nobody: quarantined
		}), lines(
			`{"ts":1791072000,"eventName":"Notification Clicked","profile":{"objectId":"__b2","identity":"u-3","all_identities":["u-3"],"platform":"iOS","push_token":"apns:1","name":"Pat \"P\" Example"},`+
				`"deviceInfo":{"make":"acme","osVersion":"14","dimensions":{"width":65,"unit":"mm"}},"eventProps":{"Campaign id":17,"wzrk_ttl":1767400000,"wzrk_c2a":"Buy","Labels":["a","b, c"]}}`,
			`{"ts":1791072001,"eventName":"Charged","profile":{"identity":"u-3"}}`,
			`{"ts":1791072001,"eventName":"Charged","profile":{"identity":"u-3"}}`,
			`{"ts":1791072001,"eventName":"Charged"}`,
		)},
		"documented": {fileOf(t, []documented{
			{20261004010203, "App Uninstalled", `{"CT Source":"Mobile","clevertapId":"__c3","n":1.50}`},
			{20261004010204, "App Uninstalled", `{"clevertapId":"__c3"}`},
		}), lines(
			`{"ts":20261004010203,"eventName":"App Uninstalled","eventProps":{"CT Source":"Mobile","clevertapId":"__c3","n":1.50}}`,
			`{"ts":20261004010204,"eventName":"App Uninstalled","eventProps":{"clevertapId":"__c3"}}`,
		)},
		"flattened": {fileOf(t, []flattened{
			{20261004010203, "App Launched", ptr("u-1"), ptr("acme"), ptr[int64](65), ptr("Web"), nil},
			{20261004010204, "UTM Visited", ptr("u-1"), nil, nil, nil, ptr("mail")},
		}), lines(
			`{"ts":20261004010203,"eventName":"App Launched","profile":{"identity":"u-1"},"deviceInfo":{"make":"acme","dimensions":{"width":65}},"eventProps":{"CT Source":"Web"}}`,
			`{"ts":20261004010204,"eventName":"UTM Visited","profile":{"identity":"u-1"},"session_props":{"utm_source":"mail"}}`,
		)},
	}
}

func lines(all ...string) []byte { return []byte(strings.Join(all, "\n") + "\n") }

// TestSameRows loads each shape and the JSON of the same events into Postgres: the rows are the same, ids and all.
func TestSameRows(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	for name, content := range shapes(t) {
		want := rowsOf(t, pool, "json_"+name, write(t, "x.json", content[1]), "")
		if len(want) == 0 {
			t.Fatalf("%s: the JSON has no rows", name)
		}
		for _, way := range []struct{ file, format string }{{"x.parquet", ""}, {"x.parquet", file.FormatCleverTapParquet}, {"x.parquet.gzip", ""}} {
			bytes := content[0]
			if strings.HasSuffix(way.file, "gzip") {
				bytes = gzipOf(t, bytes)
			}
			got := rowsOf(t, pool, "parquet_"+name+way.format+way.file, write(t, way.file, bytes), way.format)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s as %v: (-JSON +Parquet)\n%s", name, way, diff)
			}
		}
	}
}

// TestSameRowsOfObjects reads Parquet from a store: small, and so large that it is not held.
func TestSameRowsOfObjects(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	s3 := blobtest.S3(t)
	small := shapes(t)["newer"]
	s3.Put(t, "small.parquet", small[0])
	var rows []flattened
	for i := range 60_000 {
		rows = append(rows, flattened{int64(20261004000000 + i%60), "App Launched", ptr(fmt.Sprintf("u-%d-%x", i, i*7919)), nil, nil, ptr(fmt.Sprint(i)), nil})
	}
	large := fileOf(t, rows)
	if len(large) < 1<<20 {
		t.Fatalf("the large file has %d bytes only", len(large))
	}
	s3.Put(t, "large.parquet", large)
	src, err := objects.Open(t.Context(), []string{s3.URL("**.parquet")}, objects.Options{Timezone: time.UTC, Account: "ACC-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	l, err := loader.New(pool, loader.Config{Source: "objects"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	report, err := l.Load(t.Context(), src)
	if err != nil || report.Loaded != 60_003 || report.Quarantined != 1 {
		t.Errorf("got %+v and %v, want 60003 loaded and one in quarantine", report.Counts, err)
	}
}

// TestDamagedFileFailsWhole: of a file that is damaged behind its first rows nothing is loaded.
func TestDamagedFileFailsWhole(t *testing.T) {
	t.Parallel()
	var rows []flattened
	for i := range 40_000 {
		rows = append(rows, flattened{int64(20261004000000 + i%60), "App Launched", ptr(fmt.Sprintf("u-%d-%x", i, i*7919)), nil, nil, ptr(fmt.Sprint(i)), nil})
	}
	whole := fileOf(t, rows, pq.MaxRowsPerRowGroup(10_000), pq.Compression(&pq.Gzip))
	for name, content := range map[string][]byte{
		"cut":     whole[:len(whole)-1000],
		"damaged": append(append(bytes.Clone(whole[:len(whole)*3/4]), make([]byte, 500)...), whole[len(whole)*3/4+500:]...),
		"garbage": append(bytes.Clone(whole), "PAR"...),
	} {
		pool := pgtest.Pool(t)
		l, err := loader.New(pool, loader.Config{Source: "broken"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		src, err := loader.Files([]string{write(t, name+".parquet", content)}, loader.FileOptions{Timezone: time.UTC, Account: "ACC-1"})
		if err != nil {
			t.Fatal(err)
		}
		report, err := l.Load(t.Context(), src)
		var why *file.FormatError
		if !errors.As(err, &why) || why.Reason != file.Truncated && why.Reason != file.Corrupt || report.Loaded != 0 {
			t.Errorf("%s: got %d rows and %v", name, report.Loaded, err)
		}
		if n := pgtest.Value[int64](t, pool, "select count(*) from broken.tracks"); n != 0 {
			t.Errorf("%s: %d rows are visible", name, n)
		}
	}
}

// rowsOf loads a file into a schema of its own and returns all rows of all tables of events, and of quarantine.
func rowsOf(t *testing.T, pool *pgxpool.Pool, source, path, format string) []string {
	t.Helper()
	l, err := loader.New(pool, loader.Config{Source: source})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	src, err := loader.Files([]string{path}, loader.FileOptions{Format: format, Timezone: time.UTC, Account: "ACC-1"})
	if err != nil {
		t.Fatal(err)
	}
	report, err := l.Load(t.Context(), src)
	if err != nil {
		t.Fatalf("load %s: %v", path, err)
	}
	var out []string
	tables := pgtest.Query(t, pool, `select relname::text from pg_class where relnamespace = $1::regnamespace and relkind = 'r'
		and (relname !~ '^_' or relname in ('_quarantine', '_discards')) order by 1`, report.Schema)
	for _, table := range tables {
		rows := pgtest.Query(t, pool, fmt.Sprintf(`select (jsonb_strip_nulls(to_jsonb(r)) - '{id,received_at,uuid_ts,unit,raw,raw_size,source,line,byte_offset,form,load,raw_sha256}'::text[]
			|| case when $1 = '_quarantine' then '{}' else jsonb_build_object('id', to_jsonb(r)->'id') end
			|| case when r.received_at::text = to_jsonb(r)->>'timestamp' then '{"timestamp":"received"}' else '{}'::jsonb end)::text
			from %q.%q r order by 1`, report.Schema, table[0]), table[0])
		for _, row := range rows {
			line := fmt.Sprint(table[0], " ", row[0])
			if stamp := jsonTime(line); stamp != "" {
				line = strings.ReplaceAll(line, stamp, "received")
			}
			out = append(out, line)
		}
	}
	return out
}

// jsonTime is the timestamp of a row that has none of its own: it is that of the load, a moment ago.
func jsonTime(line string) string {
	_, rest, _ := strings.Cut(line, `"timestamp": "`)
	stamp, _, _ := strings.Cut(rest, `"`)
	if at, err := time.Parse(time.RFC3339, stamp); err == nil && time.Since(at) < time.Hour {
		return stamp
	}
	return ""
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipOf(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
