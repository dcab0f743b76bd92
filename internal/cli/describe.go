package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/localpg"
)

// describe returns an error in one line, with what to do about it where that is known. Errors of pgx hold no password.
func describe(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	var missing *localpg.NotFoundError
	if errors.As(err, &missing) {
		return noPostgres(missing)
	}
	text := strings.TrimRight(oneLine(plainConnect(err)), ".")
	if hint := hint(err); hint != "" {
		return text + ". " + hint
	}
	return text
}

// noPostgres is localpg's error without the twenty folders it looked in.
func noPostgres(e *localpg.NotFoundError) string {
	text := fmt.Sprintf("no server is named, and there is no Postgres %d or newer on this machine to run a private one", localpg.MinMajor)
	for _, old := range e.Old {
		text += fmt.Sprintf(" (%s has %s)", old.Dir, old.Version)
	}
	return text + ". Install it: " + e.Install + ". Or name a Postgres that runs elsewhere, with --dsn or DATABASE_URL"
}

// plainConnect makes pgx's error of a connection short: it repeats each address, once with TLS and once without.
func plainConnect(err error) error {
	var connect *pgconn.ConnectError
	if !errors.As(err, &connect) {
		return err
	}
	var reasons []string
	for line := range strings.SplitSeq(connect.Error(), "\n") {
		line = strings.TrimSpace(line)
		if _, after, ok := strings.Cut(line, "dial error: "); ok {
			line = after
		}
		if line != "" && !slices.Contains(reasons, line) {
			reasons = append(reasons, line)
		}
	}
	text := strings.ReplaceAll(strings.Join(reasons, " "), "`", "")
	return errors.New(strings.Replace(err.Error(), connect.Error(), strings.TrimPrefix(text, "failed to connect to "), 1))
}

// oneLine is the text of an error without line breaks and control characters.
func oneLine(err error) string { return printable(strings.Join(strings.Fields(err.Error()), " ")) }

// hint returns what to do about an error of Postgres.
func hint(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return hints[pg.Code]
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return "Check host and port, and that Postgres runs and can be reached from here"
	}
	return ""
}

var hints = map[string]string{
	"28P01": "Check user and password of the DSN",
	"28000": "Check the user of the DSN, and pg_hba.conf of the server",
	"3D000": "Create the database, or name another in the DSN",
	"42501": "Grant the right to the role of the DSN; `tapline doctor` lists what is missing",
	"53300": "The server has no connection left: try later, or raise max_connections",
	"53100": "The server's disk is full: make room, then run the command again",
	"25006": "The server is read-only: give the DSN of the primary",
}
