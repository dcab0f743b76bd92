// Command crashload loads files like any program that embeds package loader, and tells on its standard output how far it
// is, so that a test that kills it knows what it had learnt: "open NAME" when it begins to read a unit, "reported NAME"
// when the loader has told it that the unit is in, "done ROWS" at the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/failpoint"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crashload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("crashload", flag.ContinueOnError)
	dsn := flags.String("dsn", "", "URL of the database")
	name := flags.String("source", "", "nickname of the source")
	chunk := flags.Int("chunk", 0, "bytes of a chunk")
	attempts := flags.Int("attempts", 0, "how often a unit is started again")
	workers := flags.Int("workers", 1, "units loaded side by side, however small")
	group := flags.Bool("group", false, "small units share transactions instead")
	down := flags.Bool("down", false, "take all migrations back instead")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *down {
		return takeBack(ctx, *dsn, *name)
	}
	pool, err := pgxpool.New(ctx, *dsn)
	if err != nil {
		return fmt.Errorf("open pool: %w", err)
	}
	defer pool.Close()
	cfg := loader.Config{
		Source: *name, ChunkBytes: *chunk, Attempts: *attempts, Workers: *workers, LargeUnit: 1,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), Ended: tell,
	}
	if *group {
		cfg.LargeUnit = 0
	}
	if failpoint.BrokenKey {
		if err := dropKeys(ctx, pool, cfg); err != nil {
			return err
		}
	}
	files, err := loader.Files(flags.Args(), loader.FileOptions{Logger: cfg.Logger})
	if err != nil {
		return err
	}
	l, err := loader.New(pool, cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	report, err := l.Load(ctx, told{files})
	if err != nil {
		return err
	}
	fmt.Println("done", report.Loaded)
	return nil
}

// takeBack takes all migrations of the source back.
func takeBack(ctx context.Context, dsn, nickname string) error {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("read DSN: %w", err)
	}
	schemaName, err := schema.SchemaName(nickname)
	if err != nil {
		return err
	}
	m, err := migrations.Open(ctx, cfg, schemaName, migrations.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	_, err = m.Down(ctx, migrations.All)
	return err
}

// tell tells that the loader is done with a unit.
func tell(unit loader.Unit, _ loader.UnitReport) { fmt.Println("reported", unit.Name()) }

// told is a source that tells when its units are opened.
type told struct{ loader.Source }

// Units implements loader.Source.
func (s told) Units(ctx context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) {
		for unit, err := range s.Source.Units(ctx) {
			if !yield(toldUnit{unit}, err) {
				return
			}
		}
	}
}

type toldUnit struct{ loader.Unit }

// Open implements loader.Unit.
func (u toldUnit) Open(ctx context.Context, paths *schema.Paths) (source.Reader, error) {
	fmt.Println("open", u.Name())
	return u.Unit.Open(ctx, paths)
}
