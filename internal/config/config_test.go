package config_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/schema"
)

// path is the place of a property in events.
func path(keys ...string) *schema.Path {
	paths := schema.NewPaths(0)
	p := paths.Root(schema.SectionProperty)
	for _, k := range keys {
		p = paths.Child(p, []byte(k))
	}
	return p
}

func TestFilterEvents(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		include, exclude string
		name, table      string
		want             bool
	}{
		{"", "Charged", "Charged", "charged", false},
		{"", "Charged", "Charged Back", "charged_back", true},
		{"Charged", "", "Charged Back", "charged_back", false},
		{"charged*", "", "Charged Back", "charged_back", true},
		{"charged*", "*back", "Charged Back", "charged_back", false},
		{"App Launched", "", "", "app_launched", true}, // a table that is there, whose event is not known
		{"geocluster entered", "", "GeoCluster Entered", "geocluster_entered", true},
		{"Push Impression", "", "Push Impressions", "push_impressions", true},
		{"Charged.amount", "", "Charged", "charged", true},
		{"Charged.amount", "", "Refunded", "refunded", false},
		{"", "Charged.amount", "Charged", "charged", true},
		{"", `v1\.2 done`, "v1.2 Done", "v1_2_done", false},
		{"", "?harged", "Charged", "charged", false},
		{"identifies", "", "", "identifies", true},
	} {
		f, err := config.NewFilter(words(test.include), words(test.exclude))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Event(test.name, test.table); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}

func TestFilterProperties(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		include, exclude string
		path             *schema.Path
		want             bool
	}{
		{"", "Charged Order.Amount Paid", path("Amount Paid"), false},
		{"", "charged_order.amount_paid", path("Amount Paid"), false},
		{"", "CHARGED*.*PAID", path("Amount Paid"), false},
		{"", "*.email", path("email"), false},
		{"", "*.email", path("emails"), true},
		{"", "Refunded.email", path("email"), true},
		{"", "*.address", path("address", "city"), false}, // an object with all in it
		{"", "*.address.city", path("address", "city"), false},
		{"", "*.address.city", path("address", "street"), true},
		{"", "*.address_city", path("address", "city"), false},
		{"", "Charged Order", path("email"), true}, // the event's business
		{"Charged Order.email", "", path("email"), true},
		{"Charged Order.email", "", path("amount"), false},
		{"Charged Order", "*.email", path("email"), false},
		{"Charged Order", "*.email", path("amount"), true},
		{"*.email", "", path("email"), true},
	} {
		f, err := config.NewFilter(words(test.include), words(test.exclude))
		if err != nil {
			t.Fatal(err)
		}
		f.Event("Charged Order", "charged_order")
		if got := f.Property("charged_order", test.path); got != test.want {
			t.Errorf("include %q, exclude %q, %v: got %v", test.include, test.exclude, test.path.Keys(), got)
		}
	}
}

func TestFilterUnused(t *testing.T) {
	t.Parallel()
	f, err := config.NewFilter([]string{"Charged*", "Chraged", "Refunded.amount"}, []string{"*.email", "*.emial", "Charged Back"})
	if err != nil {
		t.Fatal(err)
	}
	f.Event("Charged", "charged")
	f.Property("charged", path("email"))
	f.Event("Charged Back", "charged_back")
	f.Event("Refunded", "refunded") // of its properties none was asked for
	want := []string{`--include "Chraged"`, `--include "Refunded.amount"`, `--exclude "*.emial"`}
	if diff := cmp.Diff(want, f.Unused()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestFilterSideBySide is for the race detector, and for Go's own check of maps.
func TestFilterSideBySide(t *testing.T) {
	t.Parallel()
	f, err := config.NewFilter([]string{"Charged*", "Chraged"}, []string{"*.email"})
	if err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for i := range 2000 {
				name := fmt.Sprintf("Charged %d", i)
				table := fmt.Sprintf("charged_%d", i)
				if !f.Event(name, table) || f.Property(table, path("email")) {
					t.Errorf("%s: got another answer than alone", name)
				}
				f.Unused()
			}
		})
	}
	workers.Wait()
}

func TestAge(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{"90d": 2160 * time.Hour, "36h": 36 * time.Hour, "1h30m": 90 * time.Minute} {
		if got := config.Age(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}

func words(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func TestServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		flag string
		env  map[string]string
		want config.Server
	}{
		{"postgres:///a", map[string]string{"DATABASE_URL": "postgres:///b"}, config.Server{DSN: "postgres:///a", Origin: "--dsn"}},
		{"", map[string]string{"DATABASE_URL": "postgres:///b", "PGHOST": "c"}, config.Server{DSN: "postgres:///b", Origin: "DATABASE_URL"}},
		{"", map[string]string{"PGHOST": "c"}, config.Server{Origin: "PGHOST"}},
		{"", map[string]string{"PGSERVICE": "c"}, config.Server{Origin: "PGSERVICE"}},
		{"", map[string]string{"PGUSER": "me", "PGPASSWORD": "x", "PGSSLMODE": "require"}, config.Server{}}, // these name no server
	} {
		got, err := config.Database{DSN: test.flag}.Server(func(name string) string { return test.env[name] })
		if err != nil {
			t.Fatal(err)
		}
		if got != test.want || got.Private() != (test.want.Origin == "") {
			t.Errorf("%q %v: got %+v", test.flag, test.env, got)
		}
	}
}

func TestForPsql(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:hunter2@h:5433/db?sslmode=require&pool_max_conns=3": "postgres://u@h:5433/db?sslmode=require",
		"postgresql://h/db?password=hunter2&user=u":                       "postgresql://h/db?user=u",
		"postgres://u@/db?host=%2Fa%20b%2Fsocket&port=1":                  "postgres://u@/db?host=%2Fa%20b%2Fsocket&port=1",
		"host=h password=hunter2 user=u":                                  "host=h user=u",
		`host=h password='hunter2 it\'s' user=u`:                          "host=h user=u",
		"PASSWORD = hunter2 host=h":                                       "host=h",
	} {
		if got, err := config.ForPsql(dsn); got != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", dsn, got, err, want)
		}
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:hunter2@h:5433/db":                "postgres://u@h:5433/db",
		"host='/a b/socket' user=u dbname=db port=6000": "postgres://u@/db?host=/a%20b/socket&port=6000",
	} {
		cfg, err := pgconn.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		if got := config.Show(cfg); got != want {
			t.Errorf("%s: got %s, want %s", dsn, got, want)
		}
	}
}

func TestSizesAndAges(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"40MiB": 40 << 20, "512k": 512 << 10, "1 GB": 1e9, "1.5m": 3 << 19, "77": 77, "": -1, "MiB": -1, "-1k": -1, "1 parsec": -1, "99999999999g": -1,
	} {
		if got, ok := config.ParseSize(s); ok != (want >= 0) || ok && got != want {
			t.Errorf("size %q: got %d, %v", s, got, ok)
		}
	}
	const day = 24 * time.Hour
	for s, want := range map[string]time.Duration{
		"90d": 90 * day, "2w": 14 * day, "36h": 36 * time.Hour, "1h30m": 90 * time.Minute, "d": -1, "-3d": -1, "soon": -1, "99999999999d": -1, "": -1,
	} {
		if got, ok := config.ParseAge(s); ok != (want >= 0) || ok && got != want {
			t.Errorf("age %q: got %v, %v", s, got, ok)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := config.Config{Source: "CleverTap_Prod", ChunkSize: "1MiB", Files: config.Files{
		Timezone: "Asia/Kolkata", Format: "clevertap", UnitMaxSize: "256MiB",
	}}
	v, err := good.Validate()
	if err != nil || v.Schema != "clevertap_prod" || v.ChunkBytes != 1<<20 || v.UnitMaxBytes != 256<<20 || v.Zone.String() != "Asia/Kolkata" || v.Filter != nil {
		t.Errorf("got %+v, %v", v, err)
	}
	if _, err := (&config.Config{Source: "a\tb", Schema: "mine"}).Validate(); err == nil {
		t.Error("a nickname with a control character is accepted where the schema is given")
	}
	for want, bad := range map[string]config.Config{
		"--source":         {Source: "???"},
		"--schema":         {Source: "a", Schema: "Public"},
		"--format":         {Files: config.Files{Format: "parquet"}},
		"--unit-max-bytes": {Files: config.Files{UnitMaxSize: "4"}},
		"--timezone":       {Files: config.Files{Timezone: "Local"}},
		"--user-identity":  {Files: config.Files{UserIdentity: "x"}},
		"--evolve":         {Evolve: "x"},
		"--chunk-size":     {ChunkSize: "2GiB"},
		"--include":        {Include: []string{"a."}},
		"--exclude":        {Exclude: []string{""}},
	} {
		_, err := bad.Validate()
		var e *config.Error
		if !errors.As(err, &e) || e.Setting != want || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
