package loader

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tapline/tapline/internal/refusal"
)

// readError is an error of the source's bytes, which names the unit: the unit fails, the others do not.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// lostError is an error after which the connection was gone.
type lostError struct{ err error }

func (e *lostError) Error() string { return "connection to Postgres lost: " + e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// passes reports whether a fault may be over at the next attempt: deadlocks, serialization failures, locks not had,
// lost connections, a server that starts or stops, too many connections.
func passes(err error) bool {
	var read *readError
	if errors.As(err, &read) || errors.Is(err, context.Canceled) {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40P01", "40001", "55P03", "57P01", "57P02", "57P03", "53300":
			return true
		}
		// Two loads of one source got the same instant, a microsecond: the next attempt has another.
		sameInstant := pg.Code == "23505" && pg.ConstraintName == "_uq_loads_uuid_ts"
		return sameInstant || strings.HasPrefix(pg.Code, "08")
	}
	var lost *lostError
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &lost) || errors.As(err, &connect) || errors.As(err, &network) || closed(err) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// closed reports whether a statement was not even sent, because an earlier fault had closed its connection. That of the
// migrations is database/sql's.
func closed(err error) bool {
	return pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}

// ofTheData reports whether an error is the unit's own: other units can still be loaded.
func ofTheData(err error) bool {
	var read *readError
	if errors.As(err, &read) {
		return true
	}
	return refusal.Is(err)
}

// restartIfGone turns the error of a table or column that somebody has dropped or changed since the catalogue was read
// into a restart of the unit, which reads it anew.
func restartIfGone(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "42P01", "42703", "42804":
			return errors.Join(errRestart, err)
		}
		if pg.Routine == "RevalidateCachedQuery" { // the type changed between a statement's description and its execution
			return errors.Join(errRestart, err)
		}
	}
	return err
}
