// Command fedrun forwards what there is to the destinations of a database and ends. Tests kill it at named points.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/federate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fedrun:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("fedrun", flag.ContinueOnError)
	dsn := flags.String("dsn", "", "URL of the database")
	rows := flags.Int("rows", 0, "rows of a piece")
	lease := flags.Duration("lease", time.Second, "how long the process may be silent")
	retry := flags.Duration("retry", 10*time.Millisecond, "longest pause between two attempts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, *dsn)
	if err != nil {
		return fmt.Errorf("open pool: %w", err)
	}
	defer pool.Close()
	f, err := federate.New(pool, federate.Options{
		Once: true, PieceRows: *rows, Lease: *lease, RetryMin: *retry / 10, RetryMax: *retry, Poll: 10 * time.Millisecond,
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Progress: func(p federate.Progress) { fmt.Println("progress", p.Destination, p.Sent, p.Pending) },
	})
	if err != nil {
		return err
	}
	return f.Run(ctx)
}
