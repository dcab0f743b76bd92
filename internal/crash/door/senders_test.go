package door_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
)

// batchEvents is how many events a batch has; one of them is bad.
const batchEvents = 10

// batch is the body of a request.
func batch(id string) []byte {
	events := make([]string, batchEvents)
	for i := range events {
		events[i] = fmt.Sprintf(`{"type":"track","messageId":"%s-%d","userId":"u","event":"Seen","properties":{"n":%d,"text":%q}}`,
			id, i, i, strings.Repeat("x", 300))
	}
	events[3] = fmt.Sprintf(`{"type":"track","messageId":"%s-3","userId":"u","event":3}`, id)
	return []byte(`{"batch":[` + strings.Join(events, ",") + `]}`)
}

// senders are clients: each sends a batch again and again until it is answered 200, then the next one.
type senders struct {
	key    string
	url    atomic.Pointer[string]
	http   http.Client
	cancel context.CancelFunc
	busy   sync.WaitGroup

	mu       sync.Mutex
	answered []string // ids of batches
}

func startSenders(t *testing.T, n int, p *program, key string) *senders {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &senders{key: key, cancel: cancel, http: http.Client{Timeout: 30 * time.Second}}
	s.sendTo(p)
	for i := range n {
		s.busy.Go(func() {
			for b := 0; ctx.Err() == nil; b++ {
				id := fmt.Sprintf("s%d-%d", i, b)
				for body := batch(id); ctx.Err() == nil; {
					if s.post(ctx, body) {
						s.mu.Lock()
						s.answered = append(s.answered, id)
						s.mu.Unlock()
						time.Sleep(time.Millisecond) // the others need the machine, too
						break
					}
					time.Sleep(5 * time.Millisecond) // the program is away, or refuses
				}
			}
		})
	}
	t.Cleanup(s.stop)
	return s
}

// sendTo makes a program the one that is sent to.
func (s *senders) sendTo(p *program) { s.url.Store(&p.url) }

func (s *senders) post(ctx context.Context, body []byte) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, *s.url.Load()+"/v1/batch", bytes.NewReader(body))
	if err != nil {
		return false
	}
	r.SetBasicAuth(s.key, "")
	res, err := s.http.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil && res.StatusCode == http.StatusOK
}

func (s *senders) stop() {
	s.cancel()
	s.busy.Wait()
	s.http.CloseIdleConnections()
}

func (s *senders) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.answered...)
}

// more waits until n more batches were answered.
func (s *senders) more(t *testing.T, n int) {
	t.Helper()
	want := len(s.ids()) + n
	eventually(t, func() error {
		if got := len(s.ids()); got < want {
			return fmt.Errorf("%d batches answered, want %d", got, want)
		}
		return nil
	})
}

// complete returns what is wrong with what Postgres has of the batches: each event has to be in its table, the bad one in
// quarantine, none twice, and nothing else than the ledger says.
func complete(ctx context.Context, pool *pgxpool.Pool, answered []string) error {
	for query, what := range map[string]string{
		`select b || '-' || n from unnest($1::text[]) b, generate_series(0, 9) n where n <> 3 except select id from door_test.seen`: "events are lost",
		`select b from unnest($1::text[]) b except
			select substring(convert_from(raw, 'UTF8') from '"messageId":"(.*)-3"') from door_test._quarantine`: "bad events are lost",
		`select id from door_test.seen where $1::text[] is not null group by id having count(*) > 1`:          "events are there twice",
		`select raw from door_test._quarantine where $1::text[] is not null group by raw having count(*) > 1`: "bad events are there twice",
		`select 1 where $1::text[] is not null and
			(select sum(rows) from door_test._loads) is distinct from (select count(*) from door_test.seen)`: "sum is not the ledger's",
	} {
		var n int64
		var first *string
		err := pool.QueryRow(ctx, "select count(*), min(q::text) from ("+query+") q", answered).Scan(&n, &first)
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%d %s, such as %s", n, what, *first)
		}
	}
	return nil
}

// mustBeComplete waits until everything is there.
func mustBeComplete(t *testing.T, dsn string, answered []string) {
	t.Helper()
	pool := pgtest.PoolAt(t, dsn)
	eventually(t, func() error { return complete(t.Context(), pool, answered) })
	t.Logf("%d batches, %d rows", len(answered), pgtest.Value[int64](t, pool, `select count(*) from door_test.seen`))
}
