package loader_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// connect calls do with a pool on an empty database and a folder that holds events.ndjson.
func connect(lines []string, do func(ctx context.Context, pool *pgxpool.Pool, dir string)) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "events.ndjson"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		log.Panic(err)
	}
	pgtest.Run(func(dsn string) {
		ctx := context.Background()
		pool, err := pgxpool.New(ctx, dsn)
		if err != nil {
			log.Panic(err)
		}
		defer pool.Close()
		do(ctx, pool, dir)
	})
}

// A folder of files is loaded: a table for each event, a column for each property. A second Load skips what is there.
func ExampleLoader_Load() {
	lines := []string{
		track("m-1", "Order Completed", `{"total":19.5,"currency":"INR"}`),
		track("m-2", "Order Completed", `{"total":7,"coupon":"NEW"}`),
		track("m-2", "Order Completed", `{"total":7,"coupon":"NEW"}`),
		`{"type":"track","event":"Nobody did this"}`,
	}
	connect(lines, func(ctx context.Context, pool *pgxpool.Pool, dir string) {
		l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod"})
		if err != nil {
			log.Panic(err)
		}
		defer l.Close()
		files, err := loader.Files([]string{dir}, loader.FileOptions{})
		if err != nil {
			log.Panic(err)
		}
		for range 2 {
			report, err := l.Load(ctx, files)
			if err != nil {
				log.Panic(err)
			}
			fmt.Println(report.Schema, "loaded", report.Loaded, "quarantined", report.Quarantined,
				"duplicates", report.Duplicates, "files skipped", report.SkippedUnits())
		}
		var total float64
		err = pool.QueryRow(ctx, "select sum(total) from clevertap_prod.order_completed").Scan(&total)
		fmt.Println(total, err)
	})
	// Output:
	// clevertap_prod loaded 2 quarantined 1 duplicates 1 files skipped 0
	// clevertap_prod loaded 0 quarantined 0 duplicates 0 files skipped 1
	// 26.5 <nil>
}

// Plan says what a Load would do, down to the SQL, and touches nothing.
func ExampleLoader_Plan() {
	connect([]string{track("m-1", "Order Completed", `{"total":19.5}`)},
		func(ctx context.Context, pool *pgxpool.Pool, dir string) {
			l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod"})
			if err != nil {
				log.Panic(err)
			}
			defer l.Close()
			files, err := loader.Files([]string{dir}, loader.FileOptions{})
			if err != nil {
				log.Panic(err)
			}
			report, err := l.Plan(ctx, files)
			fmt.Println(report.Loaded, report.Tables["order_completed"].New, err)
			for line := range strings.Lines(report.Plan) {
				if strings.Contains(line, `"order_completed" (`) || strings.HasPrefix(line, "\t\"total\"") {
					fmt.Println(strings.TrimSpace(line))
				}
			}
			var exists bool
			err = pool.QueryRow(ctx, "select to_regnamespace('clevertap_prod') is not null").Scan(&exists)
			fmt.Println(exists, err)
		})
	// Output:
	// 1 true <nil>
	// create table if not exists "clevertap_prod"."order_completed" (
	// "total" double precision,
	// false <nil>
}

// CleverTap's files say neither their time zone nor their account; the standard input is a path too.
func ExampleFiles() {
	record := `{"eventName":"Charged","ts":20260115100000,"profile":{"objectId":"device-1","identity":"u-1"},` +
		`"eventProps":{"Amount":250,"Items":["tea"]}}`
	connect(nil, func(ctx context.Context, pool *pgxpool.Pool, _ string) {
		zone, err := time.LoadLocation("Asia/Kolkata")
		if err != nil {
			log.Panic(err)
		}
		files, err := loader.Files([]string{"-"}, loader.FileOptions{
			Format: "clevertap", Timezone: zone, Account: "ACCOUNT-ID", Stdin: strings.NewReader(record),
		})
		if err != nil {
			log.Panic(err)
		}
		l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod"})
		if err != nil {
			log.Panic(err)
		}
		defer l.Close()
		if _, err := l.Load(ctx, files); err != nil {
			log.Panic(err)
		}
		var user, items string
		var at time.Time
		err = pool.QueryRow(ctx, `select user_id, items, "timestamp" from clevertap_prod.charged`).Scan(&user, &items, &at)
		fmt.Println(user, items, at.UTC().Format(time.RFC3339), err)
	})
	// Output:
	// u-1 ["tea"] 2026-01-15T04:30:00Z <nil>
}

// A file that is cut off fails alone and whole; the others are loaded.
func ExampleUnitsError() {
	connect([]string{track("m-1", "Order Completed", `{}`)},
		func(ctx context.Context, pool *pgxpool.Pool, dir string) {
			bad := filepath.Join(dir, "bad.ndjson.gz")
			if err := os.WriteFile(bad, bytes.Repeat([]byte{0x1f, 0x8b}, 20), 0o600); err != nil {
				log.Panic(err)
			}
			files, err := loader.Files([]string{dir}, loader.FileOptions{})
			if err != nil {
				log.Panic(err)
			}
			l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod", Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				log.Panic(err)
			}
			defer l.Close()
			report, err := l.Load(ctx, files)
			var failed *loader.UnitsError
			if errors.As(err, &failed) {
				fmt.Println(failed.Failed, "of", failed.Total, "failed;", report.Loaded, "event loaded")
			}
			i := slices.IndexFunc(report.Units, func(u loader.UnitReport) bool { return u.Status == loader.Failed })
			fmt.Println(filepath.Base(report.Units[i].Unit))
		})
	// Output:
	// 1 of 2 failed; 1 event loaded
	// bad.ndjson.gz
}

// noCards leaves payment cards out of the warehouse.
type noCards struct{}

func (noCards) Event(name, _ string) bool { return name != "Card Scanned" }

func (noCards) Property(_ string, p *schema.Path) bool { return p.Key() != "card" }

// A Filter chooses events and properties.
func ExampleConfig_filter() {
	lines := []string{
		track("m-1", "Card Scanned", `{"number":"4111"}`),
		track("m-2", "Order Completed", `{"total":1,"card":"4111"}`),
	}
	connect(lines, func(ctx context.Context, pool *pgxpool.Pool, dir string) {
		l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod", Filter: noCards{}})
		if err != nil {
			log.Panic(err)
		}
		defer l.Close()
		files, err := loader.Files([]string{dir}, loader.FileOptions{})
		if err != nil {
			log.Panic(err)
		}
		report, err := l.Load(ctx, files)
		fmt.Println(report.Loaded, "loaded,", report.Filtered, "left out", err)
		var columns []string
		err = pool.QueryRow(ctx, `select array_agg(column_name order by column_name) from clevertap_prod._columns
			where table_name = 'order_completed' and path is not null`).Scan(&columns)
		fmt.Println(columns, err)
	})
	// Output:
	// 1 loaded, 1 left out <nil>
	// [total] <nil>
}
