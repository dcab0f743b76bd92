package jobs_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/tapline/tapline/internal/jobs"
	"github.com/tapline/tapline/internal/pgtest"
)

// startPooler returns the DSN of a pooler in session mode, in front of the database: each client has a session of its own,
// and, as from PgBouncer, a key for cancelling that is the pooler's and not the server's.
func startPooler(t *testing.T, dsn string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go pass(c, dsn)
		}
	}()
	return fmt.Sprintf("postgres://anybody@%s/any?sslmode=disable", l.Addr())
}

// pass greets a client and then passes bytes on until one of both ends.
func pass(c net.Conn, dsn string) {
	defer c.Close()
	client := pgproto3.NewBackend(c, c)
	if _, err := client.ReceiveStartupMessage(); err != nil {
		return
	}
	conn, err := pgconn.Connect(context.Background(), dsn)
	if err != nil {
		return
	}
	server, err := conn.Hijack()
	if err != nil {
		return
	}
	defer server.Conn.Close()
	client.Send(&pgproto3.AuthenticationOk{})
	for name, value := range server.ParameterStatuses {
		client.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	client.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if client.Flush() != nil {
		return
	}
	go func() {
		_, _ = io.Copy(server.Conn, c) // until one of both ends
		server.Conn.Close()
	}()
	_, _ = io.Copy(c, server.Conn)
}

// TestBehindAPooler: a run is told from one that is lost by the server's process, which the client of a pooler has to ask
// for.
func TestBehindAPooler(t *testing.T) {
	t.Parallel()
	s := newSiteAt(t, pgtest.PoolAt(t, startPooler(t, pgtest.DSN(t))))
	w := work{hold: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		_, err := s.runner("here").Once(t.Context(), &jobs.Job{Name: "a", Work: w.do}, jobs.Wait)
		ended <- err
	}()
	s.until("it runs", func() bool { return w.running.Load() == 1 })
	if got := s.outcomes("a"); len(got) != 1 || got[0] != jobs.Running {
		t.Errorf("a run at work is shown as %v", got)
	}
	if by, held, err := jobs.HeldBy(t.Context(), s.pool, "a"); err != nil || !held || by == nil || by.Host != "here" {
		t.Errorf("held by %+v, %v and %v", by, held, err)
	}
	close(w.hold)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := s.outcomes("a"); len(got) != 1 || got[0] != jobs.Done {
		t.Errorf("it ended as %v", got)
	}
}
