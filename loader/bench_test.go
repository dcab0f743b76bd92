package loader_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/gen"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

// BenchmarkSmallUnits loads 10,000 files of 1 to 20 events over the 19 tables, then the same events as one file, into a server
// with production's durability. What a file costs beyond its data is the difference:
//
//	go test ./loader -run - -bench SmallUnits -benchtime 1x
func BenchmarkSmallUnits(b *testing.B) {
	for _, c := range []struct {
		name  string
		files int
		cfg   loader.Config
	}{
		{"together", 10_000, loader.Config{}},
		{"shared work", 10_000, loader.Config{Share: true}},
		{"each alone", 1_000, loader.Config{SmallUnit: -1}},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			whole := smallFiles(b, dir, c.files)
			for range b.N {
				small, rows := loadFolder(b, c.cfg, dir)
				one, same := loadFolder(b, c.cfg, whole)
				if rows != same {
					b.Fatalf("%d rows of small files, %d of one", rows, same)
				}
				b.ReportMetric(float64((small-one).Microseconds())/1000/float64(c.files), "ms-beyond-data/file")
				b.ReportMetric(small.Seconds(), "s-in-files")
				b.ReportMetric(one.Seconds(), "s-as-one")
			}
		})
	}
}

// smallFiles makes files of 1 to 20 events in dir, and returns the path of one with all of them.
func smallFiles(b *testing.B, dir string, files int) string {
	b.Helper()
	var buf bytes.Buffer
	if _, err := gen.Write(&buf, gen.Options{Seed: 1, Events: int64(files) * 21 / 2}); err != nil {
		b.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(buf.Bytes(), []byte("\n")), []byte("\n"))
	random := rand.New(rand.NewPCG(1, 1))
	for i := range files {
		n := min(1+random.IntN(20), len(lines)-(files-i-1)) // at least one is left for each of the others
		if i == files-1 {
			n = len(lines)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.ndjson", i)), bytes.Join(lines[:n], nil), 0o600); err != nil {
			b.Fatal(err)
		}
		lines = lines[n:]
	}
	path := filepath.Join(b.TempDir(), "whole.ndjson")
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// loadFolder returns how long a load of a folder or file into an empty server's schema of its own takes, once the schema is there.
func loadFolder(b *testing.B, cfg loader.Config, path string) (time.Duration, int64) {
	b.Helper()
	pool := pgtest.PoolAt(b, pgtest.NewServer(b, nil).DSN("postgres"))
	cfg.Source = "Small Units"
	l, err := loader.New(pool, cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	blank := filepath.Join(b.TempDir(), "blank")
	if err := os.WriteFile(blank, []byte("\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	var took time.Duration
	var report loader.Report
	for _, p := range []string{blank, path} { // the first makes the schema
		src, err := loader.Files([]string{p}, loader.FileOptions{Format: "segment"})
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if report, err = l.Load(b.Context(), src); err != nil {
			b.Fatal(err)
		}
		took = time.Since(start)
	}
	return took, report.Loaded
}
