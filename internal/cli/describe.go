package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/config"
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

// plainConnect makes pgx's error of a connection short: the server, then each reason once. pgx repeats every address,
// once with TLS and once without, and that the server has no TLS says nothing beside the answer it gave without.
func plainConnect(err error) error {
	var connect *pgconn.ConnectError
	if !errors.As(err, &connect) {
		return err
	}
	text := config.Show(connect.Config) + ": " + strings.Join(reasons(connect), "; ")
	return errors.New(strings.Replace(err.Error(), connect.Error(), text, 1))
}

func reasons(connect *pgconn.ConnectError) []string {
	var pg *pgconn.PgError
	if errors.As(connect, &pg) {
		return []string{fmt.Sprintf("%s (SQLSTATE %s)", pg.Message, pg.Code)}
	}
	var out []string
	noTLS := ""
	for line := range strings.SplitSeq(connect.Unwrap().Error(), "\n") {
		for _, step := range []string{"hostname resolving error: ", "dial error: ", "tls error: ", "server error: "} {
			if _, after, ok := strings.Cut(line, step); ok {
				line = after
			}
		}
		line = strings.TrimSpace(line)
		switch {
		case line == "server refused TLS connection":
			noTLS = line
		case line != "" && !slices.Contains(out, line):
			out = append(out, line)
		}
	}
	if len(out) == 0 {
		return []string{noTLS}
	}
	return out
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
		var name *net.DNSError
		if errors.As(err, &name) {
			return "Check the host's name"
		}
		if strings.Contains(connect.Error(), "server refused TLS connection") {
			return "The server has no TLS: take sslmode=require out of the DSN, or configure TLS on the server"
		}
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
