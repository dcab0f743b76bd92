package federate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/federate"
	"github.com/tapline/tapline/internal/federate/sink"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

const (
	nickname = "Web Shop"
	shop     = "web_shop"
	writeKey = "kEy-4711-secret"
)

// patience is how long anything may take before a test gives up.
const patience = 2 * time.Minute

// site is a database with a source, and a destination that runs in this process.
type site struct {
	t    *testing.T
	pool *pgxpool.Pool
	sink *sink.Sink
	url  string
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteAt(t, pgtest.DSN(t))
}

// newSiteAt is a site in a database of the test. Its pool has room for several loaders, which need two connections each,
// and for those that the test keeps to itself: the default would be four on a small machine.
func newSiteAt(t *testing.T, dsn string) *site {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("pool_max_conns", "16")
	u.RawQuery = query.Encode()
	s := &site{t: t, pool: pgtest.PoolAt(t, u.String()), sink: &sink.Sink{Key: writeKey}}
	s.url = s.serve(s.sink)
	return s
}

// serve starts a destination and returns its URL.
func (s *site) serve(handler *sink.Sink) string {
	server := httptest.NewServer(handler)
	s.t.Cleanup(server.Close)
	return server.URL
}

// load loads lines as one file, and so as one load.
func (s *site) load(lines ...string) {
	s.t.Helper()
	if err := s.tryLoad(s.t.Context(), lines...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) tryLoad(ctx context.Context, lines ...string) error {
	dir, err := os.MkdirTemp(s.t.TempDir(), "")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "events.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		return err
	}
	files, err := loader.Files([]string{path}, loader.FileOptions{})
	if err != nil {
		return err
	}
	l, err := loader.New(s.pool, loader.Config{Source: nickname})
	if err != nil {
		return err
	}
	defer l.Close()
	_, err = l.Load(ctx, files)
	return err
}

// add adds a destination that gets everything.
func (s *site) add(name, url string, settings federate.Settings) {
	s.t.Helper()
	settings.AllowHTTP, settings.AllowPrivate = true, true
	d := federate.Destination{Name: name, Source: nickname, Endpoint: url, KeyFrom: "env:KEY", Settings: settings}
	if err := federate.Add(s.t.Context(), s.pool, d, "", false); err != nil {
		s.t.Fatal(err)
	}
}

// options are those of a test: short pauses, so that it need not wait for them.
func options() federate.Options {
	return federate.Options{
		Once: true, RetryMin: time.Millisecond, RetryMax: 20 * time.Millisecond, Poll: 5 * time.Millisecond, GiveUp: patience,
		Key: func(_ context.Context, reference string) (string, error) {
			if reference == "env:KEY" {
				return writeKey, nil
			}
			return "of " + reference, nil
		},
	}
}

func (s *site) federator(o federate.Options) *federate.Federator {
	s.t.Helper()
	f, err := federate.New(s.pool, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// run sends everything.
func (s *site) run(o federate.Options) {
	s.t.Helper()
	if err := s.federator(o).Run(s.t.Context()); err != nil {
		s.t.Fatalf("Run: %v", err)
	}
}

func (s *site) report(name string) federate.Report {
	s.t.Helper()
	o := options()
	o.Destinations = []string{name}
	all, err := s.federator(o).Status(s.t.Context())
	if err != nil || len(all) != 1 {
		s.t.Fatalf("Status = %v, %v", all, err)
	}
	return all[0]
}

// want are the messageIds of all rows.
func (s *site) want() []string {
	s.t.Helper()
	var ids []string
	for _, table := range s.tables() {
		for _, row := range pgtest.Query(s.t, s.pool, `select id from `+shop+`."`+table+`"`) {
			ids = append(ids, federate.MessageID(nickname, table, row[0].(string)))
		}
	}
	slices.Sort(ids)
	return ids
}

// tables are those with rows of calls.
func (s *site) tables() (names []string) {
	s.t.Helper()
	for _, row := range pgtest.Query(s.t, s.pool, `select distinct table_name from `+shop+`._columns
		where column_name = 'uuid_ts' and table_name not in ('users', 'accounts') order by 1`) {
		names = append(names, row[0].(string))
	}
	return names
}

// complete says that the destination has the messages of all rows, and no other.
func (s *site) complete() {
	s.t.Helper()
	s.has(s.sink, s.want())
}

func (s *site) has(to *sink.Sink, want []string) {
	s.t.Helper()
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(to.Messages()))); diff != "" {
		s.t.Errorf("messages at the destination (-want +got):\n%.3000s", diff)
	}
	for _, w := range to.Wrong() {
		s.t.Errorf("at the destination: %.500s", w)
	}
}

// track is a line with a track call whose id is long.
func track(n int, event, properties string) string {
	return fmt.Sprintf(`{"type":"track","event":%q,"messageId":%q,"userId":"u%d","timestamp":"2026-01-15T10:00:00Z","properties":%s}`,
		event, id(n), n%10, properties)
}

func id(n int) string { return fmt.Sprintf("message-%030d", n) }

// tracks are n lines from number first on.
func tracks(first, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = track(first+i, "Order Placed", fmt.Sprintf(`{"n":%d}`, first+i))
	}
	return lines
}

// object decodes a message, numbers as written.
func object(t *testing.T, text []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return out
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for limit := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("it never happened that %s", what)
		}
	}
}
