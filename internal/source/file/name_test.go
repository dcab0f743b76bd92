package file_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/source/file"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 10, 4, 0, 0, 0, 0, time.UTC)
	run := time.Unix(1790000000, 0).UTC()
	for name, want := range map[string]file.Name{
		"171-1790000000-App-Launched-20261004-0-881.json.gz":                                    {Event: "App Launched", Day: day, Run: run},
		"exports/x/171-1790000000-Charged-20261004-12-881.csv.gzip":                             {Event: "Charged", Day: day, Run: run, Index: 12},
		"171-1790000000000-A-B-Experiment-Stopped-20261004-3-881.parquet":                       {Event: "AB Experiment Stopped", Day: day, Run: run, Index: 3},
		"171-1790000000-Sale-20260101-2-20261004-0-881.json":                                    {Event: "Sale 20260101 2", Day: day, Run: run},
		"5f1c-4ab2-1790000000-GeoCluster-Entered-20261004-0-db-1.json.gz":                       {Event: "Geocluster Entered", Day: day, Run: run},
		"171-1790000000-Bestellung-aufgegeben-20261004-0-881.gz":                                {Event: "Bestellung aufgegeben", Day: day, Run: run},
		"s3://bucket/notification-viewed/171-1790000000-Push-Impression-20261004-0-881.json.gz": {Event: "Push Impressions", Day: day, Run: run},
	} {
		got, ok := file.ParseName(name)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s: %v %s", name, ok, diff)
		}
	}
	for _, name := range []string{
		"", "events.ndjson.gz", "2026-10-04.json", "171-1790000000-20261004-0-881.json", "171-1790000000--20261004-0-881.json",
		"171-1790000000-App-Launched-20261304-0-881.json", "171-1790000000-App-Launched-20261004-x-881.json",
		"171-1790000000-App-Launched-20261004-0.json", "171-17900000-App-Launched-20261004-0-881.json",
		"171-1790000000-App-Launched-20261004-0-881.txt", "171-1790000000-App-Launched-20261004-0-881",
		"acct-req-1790000000-881-json.gz",
	} {
		if got, ok := file.ParseName(name); ok {
			t.Errorf("%q: %+v, want none", name, got)
		}
	}
}
