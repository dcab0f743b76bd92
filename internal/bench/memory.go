package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/gzip"

	"github.com/tapline/tapline/internal/gen"
)

// Bomb is a file that asks for much memory, and what loading it took.
type Bomb struct {
	Name string `json:"name"`
	// Bytes is the size of the file, Loaded and Quarantined how many records became of it.
	Bytes       int64 `json:"bytes"`
	Loaded      int64 `json:"loaded"`
	Quarantined int64 `json:"quarantined"`
	// MaxRSS is the largest resident size of the process that loaded it, in bytes.
	MaxRSS int64 `json:"max_rss_bytes"`
}

// bomb is how one is made. scale divides its size.
type bomb struct {
	name, file string
	args       []string
	write      func(w io.Writer, scale int64) error
}

var bombs = []bomb{
	{name: "a line of 64 MiB", file: "line.ndjson", write: func(w io.Writer, scale int64) error { return oneLine(w, 64<<20/scale, true) }},
	{name: "1 GiB without a newline", file: "endless.ndjson", write: func(w io.Writer, scale int64) error { return oneLine(w, 1<<30/scale, false) }},
	{name: "10 million lines in one gzip", file: "lines.ndjson.gz", write: func(w io.Writer, scale int64) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			return err
		}
		return errors.Join(numbered(z, 10_000_000/scale,
			`{"type":"track","messageId":"m-%08d","userId":"u-1","event":"Ping","timestamp":"2026-01-15T10:00:00Z","properties":{"n":1}}`), z.Close())
	}},
	{name: "10 million CleverTap records", file: "records.json", args: []string{"--timezone", "UTC", "--account", "BENCH"}, write: func(w io.Writer, scale int64) error {
		return numbered(w, 10_000_000/scale, `{"profile":{"identity":"u-%08d"},"eventName":"Ping","ts":20260115100000,"eventProps":{"n":1}}`)
	}},
	{name: "500 new tables of 100 columns", file: "wide100.ndjson", write: func(w io.Writer, scale int64) error { return wide(w, 100, scale) }},
	{name: "500 new tables of 500 columns", file: "wide500.ndjson", write: func(w io.Writer, scale int64) error { return wide(w, 500, scale) }},
}

// Memory loads files that ask for much memory, each in a process of its own, and reports what it took. Their size is
// divided by scale, which defaults to 1. Of the Options, DSN, Tapline, Dir and Log are used.
func Memory(ctx context.Context, o Options, scale int64) (_ []Bomb, err error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	dir, err := os.MkdirTemp(o.Dir, "tapline-bench-")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	conn, err := pgx.Connect(ctx, o.DSN)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	b := &bench{Options: o, conn: conn, folder: dir}
	var out []Bomb
	for _, m := range bombs {
		result, err := b.explode(ctx, m, max(1, scale))
		if err != nil {
			return out, fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Fprintf(o.Log, "%-32s %6d MiB of file, %9d loaded, %3d quarantined: %4d MiB of memory\n",
			m.name, result.Bytes>>20, result.Loaded, result.Quarantined, result.MaxRSS>>20)
		out = append(out, result)
	}
	return out, nil
}

// explode makes a bomb, loads it into a schema that holds nothing, and removes both.
func (b *bench) explode(ctx context.Context, m bomb, scale int64) (out Bomb, err error) {
	path := filepath.Join(b.folder, m.file)
	out.Name = m.name
	if out.Bytes, err = writeBomb(path, m, scale); err != nil {
		return out, fmt.Errorf("write it: %w", err)
	}
	defer func() { err = b.dropSchemas(context.WithoutCancel(ctx), errors.Join(err, os.Remove(path))) }()
	if err := b.dropSchemas(ctx, nil); err != nil {
		return out, err
	}
	args := slices.Concat(b.Tapline[1:], []string{"load", "--quiet", "--json", "--dsn", b.DSN, "--source", ours}, m.args, []string{path})
	cmd := exec.CommandContext(ctx, b.Tapline[0], args...)
	var text, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &failed
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != quarantined {
		return out, fmt.Errorf("load it: %w: %s", err, failed.Bytes())
	}
	var report struct {
		Counts struct{ Loaded, Quarantined int64 } `json:"counts"`
		MaxRSS int64                               `json:"max_rss_bytes"`
	}
	if err := json.Unmarshal(text.Bytes(), &report); err != nil {
		return out, fmt.Errorf("read tapline's report: %w", err)
	}
	out.Loaded, out.Quarantined, out.MaxRSS = report.Counts.Loaded, report.Counts.Quarantined, report.MaxRSS
	return out, nil
}

// quarantined is the exit code of a load that went through with records in quarantine.
const quarantined = 3

func writeBomb(path string, m bomb, scale int64) (size int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = errors.Join(m.write(w, scale), w.Flush())
	if info, e := f.Stat(); e == nil {
		size = info.Size()
	}
	return size, errors.Join(err, f.Close())
}

// oneLine writes a good event and a line of about size bytes, with its end or without.
func oneLine(w io.Writer, size int64, end bool) error {
	const good = `{"type":"track","messageId":"m-1","userId":"u-1","event":"Ping","properties":{"n":1}}` + "\n"
	if _, err := io.WriteString(w, good+`{"type":"track","messageId":"m-2","userId":"u-1","event":"Ping","properties":{"n":"`); err != nil {
		return err
	}
	block := bytes.Repeat([]byte("x"), 1<<16)
	for n := int64(0); n < size; n += int64(len(block)) {
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	if !end {
		return nil
	}
	_, err := io.WriteString(w, `"}}`+"\n")
	return err
}

// numbered writes n lines, each with its number.
func numbered(w io.Writer, n int64, format string) error {
	for i := range n {
		if _, err := fmt.Fprintf(w, format+"\n", i); err != nil {
			return err
		}
	}
	return nil
}

func wide(w io.Writer, columns int, scale int64) error {
	_, err := gen.Write(w, gen.Options{Seed: 1, Events: 50_000 / scale, Tables: 500, Columns: columns, Fill: 50})
	return err
}
