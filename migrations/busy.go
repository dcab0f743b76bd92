package migrations

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// BusyError says that another migrator of the same schema did not end within Options.LockWait. Nothing was changed.
type BusyError struct {
	Schema string
	Waited time.Duration
	// Who has the lock: the server process, its role and its application_name; 0 and empty if it has just ended.
	PID               int
	Role, Application string
}

// Error names who is at work and what to do.
func (e *BusyError) Error() string {
	who := "another migrator"
	if e.PID != 0 {
		var also []string
		for _, part := range [][2]string{{"role ", e.Role}, {"application ", e.Application}} {
			if part[1] != "" {
				also = append(also, part[0]+part[1])
			}
		}
		who += fmt.Sprintf(" (server process %d, %s)", e.PID, strings.Join(also, ", "))
	}
	return fmt.Sprintf("%s is at work on schema %s and did not end within %s: run the command again later, or give it more time with --wait",
		who, e.Schema, e.Waited)
}

// busy finds out who has the schema's advisory lock.
func (s *session) busy(ctx context.Context) error {
	e := &BusyError{Schema: s.schema, Waited: s.options.LockWait}
	key := uint64(lockKey(s.schema))
	// Without the right to see others' sessions, or if the lock was just given back, nothing is known of them.
	_ = s.conn.QueryRow(ctx, `select a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, '')
		from pg_catalog.pg_locks l
		join pg_catalog.pg_database d on d.oid = l.database and d.datname = pg_catalog.current_database()
		join pg_catalog.pg_stat_activity a on a.pid = l.pid
		where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.classid = $1 and l.objid = $2`,
		uint32(key>>32), uint32(key)).Scan(&e.PID, &e.Role, &e.Application)
	return e
}
