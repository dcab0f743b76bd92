package pull

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/source/clevertap"
)

// slots are the requests that an account may have under way at once, of all pulls and comparisons that use one database: advisory
// locks, each held by a transaction of its own for as long as a request lasts. So they work behind a pooler too, and who is gone
// holds none. They are a courtesy: CleverTap refuses what is too many, and that is asked for again. So whoever cannot get one, because
// the database does not answer or none becomes free, goes on without.
type slots struct {
	config *pgx.ConnConfig
	log    *slog.Logger
	keys   [clevertap.MaxRequests]int64
	conns  chan *pgx.Conn // one for each request that a client may have under way; nil where none is open
	warn   sync.Once
}

// slotWait is how long somebody waits for a slot, as Postgres writes it.
const slotWait = "2min"

// slotSettings are those of a slot's transaction: it is idle while the request lasts, and gone soon after its machine is.
const slotSettings = "begin; set local lock_timeout = '" + slotWait + "'; set local statement_timeout = 0; " +
	"set local idle_in_transaction_session_timeout = 0; set local tcp_keepalives_idle = 15; set local tcp_keepalives_interval = 5; " +
	"set local tcp_keepalives_count = 3; "

func newSlots(config *pgx.ConnConfig, account string, log *slog.Logger) *slots {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &slots{config: config, log: log, conns: make(chan *pgx.Conn, clevertap.MaxRequests)}
	for i := range s.keys {
		digest := sha256.Sum256(fmt.Appendf(nil, "tapline clevertap request %d of %s", i, account))
		s.keys[i] = int64(binary.BigEndian.Uint64(digest[:8]))
		s.conns <- nil
	}
	return s
}

// take waits for a slot. It is called at most clevertap.MaxRequests times before what it returned is called.
func (s *slots) take(ctx context.Context) (give func()) {
	conn, err := s.lock(ctx, <-s.conns)
	if err != nil && ctx.Err() == nil {
		s.warn.Do(func() {
			s.log.WarnContext(ctx, "other pulls of this account cannot be considered: CleverTap may refuse some requests as too many", "cause", err)
		})
	}
	return func() {
		if conn != nil && !s.do(context.WithoutCancel(ctx), conn, "rollback") {
			conn = nil
		}
		s.conns <- conn
	}
}

// lock opens the connection if it is not, and takes any slot that is free, or waits for one of them. What waits has its turn before
// those that come later. The connection is nil with an error.
func (s *slots) lock(ctx context.Context, conn *pgx.Conn) (*pgx.Conn, error) {
	if conn == nil || conn.IsClosed() {
		opening, cancel := context.WithTimeout(ctx, slotTimeout)
		defer cancel()
		var err error
		if conn, err = pgx.ConnectConfig(opening, s.config); err != nil {
			return nil, fmt.Errorf("connect: %w", err)
		}
	}
	var free strings.Builder
	for _, key := range s.keys {
		fmt.Fprintf(&free, "when pg_catalog.pg_try_advisory_xact_lock(%d) then 1 ", key)
	}
	results, err := conn.PgConn().Exec(ctx, slotSettings+"select case "+free.String()+"else 0 end").ReadAll()
	if err == nil && string(results[len(results)-1].Rows[0][0]) == "0" {
		_, err = conn.PgConn().Exec(ctx, fmt.Sprintf("select pg_catalog.pg_advisory_xact_lock(%d)", s.keys[rand.IntN(len(s.keys))])).ReadAll()
	}
	if err != nil {
		s.shut(conn)
		return nil, fmt.Errorf("wait for a request's turn: %w", err)
	}
	return conn, nil
}

// slotTimeout is how long the database may take for what needs no waiting.
const slotTimeout = 10 * time.Second

// do runs a statement and reports whether it went well. If not, the connection is closed.
func (s *slots) do(ctx context.Context, conn *pgx.Conn, sql string) bool {
	ctx, cancel := context.WithTimeout(ctx, slotTimeout)
	defer cancel()
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		s.shut(conn)
		return false
	}
	return true
}

// shut closes a connection: with it goes what it holds.
func (s *slots) shut(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), slotTimeout)
	defer cancel()
	_ = conn.Close(ctx) // nothing is left to lose
}

// close closes the connections. Nothing may be taken.
func (s *slots) close() {
	for range s.keys {
		if conn := <-s.conns; conn != nil {
			s.shut(conn)
		}
	}
}
