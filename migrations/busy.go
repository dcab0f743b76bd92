package migrations

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// BusyError says that another migrator of the same schema did not end in time, see Options.LockWait and, for one that is
// golang-migrate's own command, Options.RetryFor. Nothing was changed.
type BusyError struct {
	Schema string
	Waited time.Duration
	// Who has the lock: the server process, its role and its application_name; 0 and empty if it has just ended.
	PID               int
	Role, Application string
	// Since is when that one began, by the server's clock; zero if it is not known.
	Since time.Time
	Err   error // Postgres's, if the lock is golang-migrate's own
}

// Error names who is at work and what to do.
func (e *BusyError) Error() string {
	who := "another migrator"
	if e.PID != 0 {
		also := []string{fmt.Sprintf("server process %d", e.PID)}
		for _, part := range [][2]string{{"role ", e.Role}, {"application ", e.Application}} {
			if part[1] != "" {
				also = append(also, part[0]+part[1])
			}
		}
		if !e.Since.IsZero() {
			also = append(also, "since "+e.Since.UTC().Format(time.RFC3339))
		}
		who += " (" + strings.Join(also, ", ") + ")"
	}
	return fmt.Sprintf("%s is at work on schema %s and did not end within %s: run the command again later, or give it more time with --wait",
		who, e.Schema, e.Waited)
}

// Unwrap returns Postgres's error, if there is one.
func (e *BusyError) Unwrap() error { return e.Err }

// markModulus keeps the seconds of a mark within an int4. They repeat after 68 years.
const markModulus = "2147483648"

// busy finds out who has an advisory lock. Since when, its mark says, else its transaction or its statement, where we may
// see that.
func (s *session) busy(ctx context.Context, key int64, waited time.Duration, err error) error {
	e := &BusyError{Schema: s.schema, Waited: waited, Err: err}
	var since *time.Time
	// If the lock was just given back, nothing is known of who had it.
	_ = s.conn.QueryRow(ctx, `select a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''),
			coalesce((select pg_catalog.to_timestamp(now - (now - m.objid::bigint) % `+markModulus+`)
				from pg_catalog.pg_locks m, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) as epoch(at), lateral (select pg_catalog.floor(at)::bigint) as n(now)
				where m.pid = l.pid and m.database = l.database and m.locktype = 'advisory' and m.objsubid = 2 and m.classid::bigint = $3 limit 1),
				a.xact_start, a.query_start)
		from pg_catalog.pg_locks l
		join pg_catalog.pg_database d on d.oid = l.database and d.datname = pg_catalog.current_database()
		join pg_catalog.pg_stat_activity a on a.pid = l.pid
		where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.classid::bigint = $1 and l.objid::bigint = $2`,
		int64(uint64(key)>>32), int64(uint32(key)), int64(uint32(markKey(s.schema)))).Scan(&e.PID, &e.Role, &e.Application, &since)
	if since != nil {
		e.Since = *since
	}
	return e
}
