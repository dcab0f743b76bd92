package bench

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Probes are single events beside the load: how long each takes to be visible is the freshness.
const (
	probeEvery = 250 * time.Millisecond
	lookEvery  = 50 * time.Millisecond
	probeTime  = 2 * time.Minute // until a probe that does not come counts as that long
)

// probe sends probes until ctx ends, waits for those that were taken, and returns how long each took, in seconds.
func probe(ctx context.Context, dsn string, p *serveProcess) (seconds []float64) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil
	}
	background := context.WithoutCancel(ctx)
	defer func() { _ = conn.Close(background) }()
	sent := map[string]time.Time{}
	last, n := time.Time{}, 0
	for ctx.Err() == nil || len(sent) > 0 {
		if ctx.Err() == nil && time.Since(last) >= probeEvery {
			last = time.Now()
			n++
			if id := fmt.Sprintf("probe-%d", n); p.sendProbe(ctx, id) {
				sent[id] = last
			}
		}
		time.Sleep(lookEvery)
		for _, id := range seen(background, conn, sent) {
			seconds = append(seconds, time.Since(sent[id]).Seconds())
			delete(sent, id)
		}
		for id, at := range sent {
			if time.Since(at) > probeTime {
				seconds = append(seconds, time.Since(at).Seconds())
				delete(sent, id)
			}
		}
	}
	return seconds
}

// sendProbe reports whether the probe was answered 200.
func (p *serveProcess) sendProbe(ctx context.Context, id string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/v1/track",
		strings.NewReader(`{"messageId":"`+id+`","event":"Bench Probe","userId":"probe"}`))
	if err != nil {
		return false
	}
	request.SetBasicAuth(p.NewKey.WriteKey, "")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
}

// seen returns the probes that are visible. Before the first there is no table.
func seen(ctx context.Context, conn *pgx.Conn, sent map[string]time.Time) []string {
	var ids []string
	for id := range sent {
		ids = append(ids, id)
	}
	rows, _ := conn.Query(ctx, "select id from "+pgx.Identifier{served, "bench_probe"}.Sanitize()+" where id = any($1)", ids) // its error comes back from rows
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil
	}
	return out
}
