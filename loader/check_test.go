package loader_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

// pooler gives each transaction of a client one of two server sessions, as PgBouncer does in transaction mode: the one
// that waits longest (server_round_robin), or the one used last (PgBouncer's default). It speaks the protocol and nothing
// else: no TLS, no authentication.
type pooler struct {
	mu      sync.Mutex
	servers []*pgconn.HijackedConn
	last    bool
}

func (p *pooler) take() *pgconn.HijackedConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := 0
	if p.last {
		i = len(p.servers) - 1
	}
	server := p.servers[i]
	p.servers = slices.Delete(p.servers, i, i+1)
	return server
}

func (p *pooler) give(server *pgconn.HijackedConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.servers = append(p.servers, server)
}

// startPooler returns the DSN of a pooler in front of the database.
func startPooler(t *testing.T, dsn string, last bool) string {
	t.Helper()
	p := &pooler{last: last}
	for range 3 {
		conn, err := pgconn.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatalf("connect: %v", err)
		}
		server, err := conn.Hijack()
		if err != nil {
			t.Fatalf("hijack: %v", err)
		}
		p.give(server)
		t.Cleanup(func() { server.Conn.Close() })
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return fmt.Sprintf("postgres://anybody@%s/any?sslmode=disable&default_query_exec_mode=exec", l.Addr())
}

// serve passes messages of one client on, transaction by transaction.
func (p *pooler) serve(c net.Conn) {
	defer c.Close()
	client := pgproto3.NewBackend(c, c)
	if _, err := client.ReceiveStartupMessage(); err != nil {
		return
	}
	client.Send(&pgproto3.AuthenticationOk{})
	client.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if client.Flush() != nil {
		return
	}
	for {
		first, err := client.Receive()
		if err != nil {
			return
		}
		server := p.take()
		err = p.transaction(client, server, first)
		p.give(server) // before the client knows that it is ready, as a pooler of one thread does
		if err != nil || client.Flush() != nil {
			return
		}
	}
}

// transaction passes messages between client and server until the server is idle again. The last answer is not flushed.
func (p *pooler) transaction(client *pgproto3.Backend, server *pgconn.HijackedConn, m pgproto3.FrontendMessage) error {
	for {
		server.Frontend.Send(m)
		_, query := m.(*pgproto3.Query)
		_, sync := m.(*pgproto3.Sync)
		if _, end := m.(*pgproto3.Terminate); end {
			return errors.New("client is gone")
		}
		if query || sync {
			if err := server.Frontend.Flush(); err != nil {
				return err
			}
			status, err := answer(client, server)
			if err != nil || status == 'I' {
				return err
			}
			if err := client.Flush(); err != nil {
				return err
			}
		}
		var err error
		if m, err = client.Receive(); err != nil {
			return err
		}
	}
}

// answer collects the server's messages for the client, up to the one that says it is ready.
func answer(client *pgproto3.Backend, server *pgconn.HijackedConn) (status byte, err error) {
	for {
		m, err := server.Frontend.Receive()
		if err != nil {
			return 0, err
		}
		client.Send(m)
		if ready, ok := m.(*pgproto3.ReadyForQuery); ok {
			return ready.TxStatus, nil
		}
	}
}

func TestPoolerInTransactionModeIsRefused(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]bool{"used last": true, "waiting longest": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.PoolAt(t, startPooler(t, pgtest.DSN(t), last))
			if _, err := pool.Exec(t.Context(), "select 1"); err != nil {
				t.Fatalf("the pooler does not work: %v", err)
			}
			var refused *loader.ServerError
			err := loader.Check(t.Context(), pool)
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "transaction mode") || !strings.Contains(err.Error(), "session mode") {
				t.Errorf("Check = %v, want a ServerError that names transaction mode and the way out", err)
			}
		})
	}
}

func TestServersThatCannotHoldThePromiseAreRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	if err := loader.Check(t.Context(), pool); err != nil {
		t.Fatalf("Check of a good server: %v", err)
	}
	pgtest.Exec(t, pool, `create database latin encoding 'LATIN1' locale 'C' template template0`)
	cfg := pool.Config().ConnConfig.Copy()
	t.Cleanup(func() { _, _ = pool.Exec(context.Background(), "drop database latin with (force)") })
	latin := pgtest.PoolAt(t, withDatabase(t, cfg, "latin"))
	var refused *loader.ServerError
	if err := loader.Check(t.Context(), latin); !errors.As(err, &refused) || !strings.Contains(err.Error(), "LATIN1") {
		t.Errorf("Check of a LATIN1 database = %v, want a ServerError that names the encoding", err)
	}
}

// Text in another encoding than the session says is stored as other text, and one connection is not enough.
func TestSessionsThatCannotHoldThePromiseAreRefused(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	for setting, want := range map[string]string{"client_encoding=LATIN1": "client_encoding", "pool_max_conns=1": "pool_max_conns"} {
		var refused *loader.ServerError
		if err := loader.Check(t.Context(), pgtest.PoolAt(t, dsn+"&"+setting)); !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("Check with %s = %v, want a ServerError that names %s", setting, err, want)
		}
	}
}

// TestSettingsOfTheDSN loads with what people, and poolers, make others set: the rows are the same.
func TestSettingsOfTheDSN(t *testing.T) {
	t.Parallel()
	path := write(t,
		`{"type":"track","event":"pg class","messageId":"a","userId":"ü","timestamp":"2026-01-15T10:00:00Z","properties":{"Größe":1.5,"at":"2026-01-15T10:00:00Z"}}`,
		`{"type":"track","event":"Text","messageId":"b","userId":"ü","timestamp":"2026-01-15T10:00:00Z","properties":{"n":1,"s":"名"}}`,
		`{"type":"identify","messageId":"c","userId":"ü","timestamp":"2026-01-15T10:00:00Z","traits":{"plan":"göld"}}`,
	)
	for _, setting := range []string{
		"default_query_exec_mode=simple_protocol", "default_query_exec_mode=exec", "search_path=clevertap_prod,pg_catalog",
		"quote_all_identifiers=on", "standard_conforming_strings=on&DateStyle=SQL,DMY&IntervalStyle=sql_standard&TimeZone=Asia/Kathmandu",
		"default_transaction_read_only=on&default_transaction_isolation=serializable",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DSN(t)
			pool := pgtest.PoolAt(t, dsn+"&"+setting)
			load(t, pool, loader.Config{Share: true, Lease: time.Second}, path)
			var units *loader.UnitsError
			if _, err := tryLoad(t, pool, loader.Config{}, writeFile(t, filepath.Join(t.TempDir(), "cut.gz"), []byte("\x1f\x8b\x08"))); !errors.As(err, &units) {
				t.Errorf("a file that is cut: %v, want that it fails alone", err)
			}
			got := pgtest.Query(t, pgtest.PoolAt(t, dsn), `
				select user_id, gr_e::text, to_char(at at time zone 'UTC', 'HH24:MI') from clevertap_prod.pg_class
				union all select user_id, n::text, s from clevertap_prod.text
				union all select id, plan, null from clevertap_prod.users`)
			want := [][]any{{"ü", "1.5", "10:00"}, {"ü", "1", "名"}, {"ü", "göld", nil}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAdoptedIDOfAnotherType: a table that somebody else made may have ids that ours cannot be.
func TestAdoptedIDOfAnotherType(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, `create schema clevertap_prod`)
	pgtest.Exec(t, pool, `create table clevertap_prod.signed_up (id uuid primary key, event_text text)`)
	l, err := loader.New(pool, loader.Config{Source: "CleverTap_Prod"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	files, err := loader.Files([]string{write(t, `{"type":"track","event":"Signed Up","messageId":"s1","userId":"u1"}`)}, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Load(t.Context(), files); err == nil || !strings.Contains(err.Error(), "clevertap_prod.signed_up") {
		t.Errorf("Load = %v, want an error that names the table", err)
	}
}

// withDatabase is the DSN of another database on the same server.
func withDatabase(t *testing.T, cfg *pgx.ConnConfig, name string) string {
	t.Helper()
	return fmt.Sprintf("host='%s' port=%d user='%s' dbname=%s", cfg.Host, cfg.Port, cfg.User, name)
}

// TestChecksAtOnce checks a server from many goroutines over a pool that has room for two of them: each needs two
// connections, and none may wait for ever for its second.
func TestChecksAtOnce(t *testing.T) {
	t.Parallel()
	cfg := pgtest.Pool(t).Config()
	cfg.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			if err := loader.Check(ctx, pool); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
