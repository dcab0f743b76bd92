package gen_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/gen"
)

// samples are the files of testdata/sample; testdata/README.md has the same as commands.
var samples = map[string]gen.Options{
	"events.ndjson.gz":      {Seed: 2026, Events: 3000, Custom: 8},
	"clevertap-export.json": {Seed: 2026, Events: 1000, Kind: gen.CleverTap, Custom: 5},
	"clevertap-export.csv":  {Seed: 2027, Events: 500, Kind: gen.CleverTapCSV, Custom: 5},
	"segment.csv":           {Seed: 2028, Events: 200, Kind: gen.SegmentCSV, Custom: 100},
}

func TestSamplesAreWhatTheGeneratorMakes(t *testing.T) {
	t.Parallel()
	const dir = "../../testdata/sample"
	size := int64(0)
	for name, o := range samples {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		size += int64(len(data))
		if strings.HasSuffix(name, ".gz") {
			// What is inside is compared, not the compressor, which may get better with another Go.
			z, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatalf("open %s: %v", name, err)
			}
			if data, err = io.ReadAll(z); err != nil {
				t.Fatalf("read %s: %v", name, err)
			}
		}
		want, stats := write(t, o)
		if !bytes.Equal(data, want) {
			t.Errorf("%s: has %d bytes, not the %d that the generator makes: run the commands of testdata/README.md",
				name, len(data), len(want))
		}
		if o.Custom < 100 && len(stats.Rows) < 19+2 {
			t.Errorf("%s: got %d events, want all 19 and some custom ones: %v", name, len(stats.Rows), stats.Rows)
		}
	}
	if size > 1_500_000 {
		t.Errorf("the samples have %d bytes, want at most 1.5 MB", size)
	}
}
