package main

import (
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/tapline/tapline/internal/gen"
)

// command is what the flags say.
type command struct {
	opts        gen.Options
	out, outDir string
}

// run makes the events that args ask for, on stdout or in files, and prints one line about them to stderr.
func run(args []string, stdout, stderr io.Writer) error {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	begun := time.Now()
	stats, err := c.write(stdout)
	if err != nil {
		return err
	}
	fmt.Fprintln(stderr, summary(&stats, time.Since(begun)))
	return nil
}

func parse(args []string, stderr io.Writer) (*command, error) {
	c := &command{}
	var kind, zone, from, to string
	fs := flag.NewFlagSet("eventgen", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&kind, "kind", string(gen.Segment), "kind of file: segment, segment-csv, clevertap, clevertap-csv")
	fs.Int64Var(&c.opts.Events, "events", 1000, "number of records, hostile and repeated ones counted")
	fs.Uint64Var(&c.opts.Seed, "seed", 1, "the same seed and options give the same bytes")
	fs.StringVar(&c.out, "out", "", "file to write instead of stdout; compressed if it ends in .gz or .zst")
	fs.StringVar(&c.outDir, "out-dir", "", "folder to write one file per event to, named as CleverTap names its exports")
	fs.StringVar(&from, "from", "2026-01-01", "first day, YYYY-MM-DD in the time zone")
	fs.StringVar(&to, "to", "2026-02-01", "day after the last one")
	fs.StringVar(&zone, "timezone", "Asia/Kolkata", "time zone of the CleverTap project")
	fs.IntVar(&c.opts.Users, "users", 0, "size of the population (default an eighth of the events, 40 to 20,000)")
	fs.IntVar(&c.opts.Custom, "custom", 0, "per cent of the scenes that are custom events, 0 to 100")
	fs.StringVar(&c.opts.Only, "only", "", "make events of this name alone, for example \"App Launched\"")
	fs.Int64Var(&c.opts.Hostile, "hostile", 0, "make every n-th record a bad or odd one")
	fs.Int64Var(&c.opts.Duplicates, "duplicates", 0, "make every n-th record a repeat of an earlier one")
	fs.IntVar(&c.opts.Tables, "tables", 0, "make events of this many wide tables instead of realistic ones")
	fs.IntVar(&c.opts.Columns, "columns", 0, "columns of each wide table (default 25)")
	fs.IntVar(&c.opts.Fill, "fill", 0, "columns that each line of a wide table fills (default all)")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", fs.Arg(0))
	}
	if c.out != "" && c.outDir != "" {
		return nil, fmt.Errorf("--out and --out-dir exclude each other")
	}
	c.opts.Kind = gen.Kind(kind)
	return c, c.setTimes(zone, from, to)
}

func (c *command) setTimes(zone, from, to string) error {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return fmt.Errorf("load time zone: %w", err)
	}
	c.opts.TimeZone = location
	if c.opts.From, err = time.ParseInLocation(time.DateOnly, from, location); err != nil {
		return fmt.Errorf("read --from: %w", err)
	}
	if c.opts.To, err = time.ParseInLocation(time.DateOnly, to, location); err != nil {
		return fmt.Errorf("read --to: %w", err)
	}
	return nil
}

func (c *command) write(stdout io.Writer) (gen.Stats, error) {
	switch {
	case c.outDir != "":
		if err := os.MkdirAll(c.outDir, 0o755); err != nil {
			return gen.Stats{}, fmt.Errorf("create folder: %w", err)
		}
		return gen.WriteFiles(c.opts, func(event string) (io.WriteCloser, error) {
			return create(filepath.Join(c.outDir, c.exportName(event)))
		})
	case c.out != "":
		f, err := create(c.out)
		if err != nil {
			return gen.Stats{}, err
		}
		stats, err := gen.Write(f, c.opts)
		return stats, errors.Join(err, f.Close())
	}
	return gen.Write(stdout, c.opts)
}

// exportName is the name that CleverTap gives an export's file: request, time of the run, event, day, index, database.
func (c *command) exportName(event string) string {
	extension := "json"
	switch c.opts.Kind {
	case gen.SegmentCSV, gen.CleverTapCSV:
		extension = "csv"
	case gen.Segment:
		extension = "ndjson"
	}
	return fmt.Sprintf("%d-%d-%s-%s-1-1.%s.gz", 1000+c.opts.Seed, c.opts.To.Unix(), strings.ReplaceAll(event, " ", "-"),
		c.opts.From.Format("20060102"), extension)
}

// file is a file with its compressor, which is closed first.
type file struct {
	io.Writer
	closers []io.Closer
}

func (f *file) Close() error {
	var err error
	for _, c := range f.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

func create(name string) (io.WriteCloser, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("create file: %w", err)
	}
	switch filepath.Ext(name) {
	case ".gz":
		// The header has neither name nor time, so the same events give the same bytes.
		z := gzip.NewWriter(f)
		return &file{z, []io.Closer{z, f}}, nil
	case ".zst":
		z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("create compressor: %w", err), f.Close())
		}
		return &file{z, []io.Closer{z, f}}, nil
	}
	return f, nil
}

// summary says in one line what was made and what a loader must report of it.
func summary(s *gen.Stats, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d records, %d bytes in %s: %d rows of %d events", s.Records, s.Bytes, took.Round(time.Millisecond),
		s.Total(), len(s.Rows))
	if s.Repeats > 0 {
		fmt.Fprintf(&b, ", %d repeats", s.Repeats)
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Quarantined)) {
		fmt.Fprintf(&b, ", quarantine %s %d", reason, s.Quarantined[reason])
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Discarded)) {
		fmt.Fprintf(&b, ", discard %s %d", reason, s.Discarded[reason])
	}
	return b.String()
}
