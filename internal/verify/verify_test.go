package verify_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/pull"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/internal/verify"
	"github.com/tapline/tapline/loader"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// site is an account that was pulled.
type site struct {
	t      *testing.T
	pool   *pgxpool.Pool
	server *clevertapfake.Server
	people *clevertapfake.Population
	pull.Options
}

func newSite(t *testing.T, o clevertapfake.Options) *site {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &site{t: t, pool: pool}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
	if s.people, err = clevertapfake.NewPopulation(clevertapfake.PopulationOptions{Events: 200, Seed: 3, From: from, To: from.AddDate(0, 0, 2)}); err != nil {
		t.Fatal(err)
	}
	o.Population = s.people
	if s.server, err = clevertapfake.New(o); err != nil {
		t.Fatal(err)
	}
	if err := s.server.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.server.Close(); err != nil {
			t.Error(err)
		}
	})
	first := clevertap.Day{Year: 2026, Month: 1, Date: 1}
	s.Options = pull.Options{
		API: clevertap.Options{
			Account: clevertapfake.DefaultAccount, Passcode: clevertapfake.DefaultPasscode, Endpoint: s.server.URL(),
			PollWait: time.Millisecond, MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond, Patience: 5 * time.Second,
		},
		Pool: pool, Loader: loader.Config{Source: "CleverTap_Prod"}, Location: zone, From: first, To: first.Add(1),
	}
	return s
}

func (s *site) pull() {
	s.t.Helper()
	if _, err := pull.Pull(s.t.Context(), s.Options); err != nil {
		s.t.Fatal(err)
	}
}

// verify compares the account with the tables.
func (s *site) verify() *verify.Report {
	s.t.Helper()
	reading, err := pull.Open(s.t.Context(), s.Options)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reading.Close()
	r, err := verify.Run(s.t.Context(), verify.Options{
		Pool: s.pool, Schema: "clevertap_prod", Source: reading.Source, Location: s.Location, From: reading.From.String(), To: reading.To.String(),
		Events: func() []string { return reading.Events },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return &r
}

func (s *site) exec(sql string) {
	s.t.Helper()
	tag, err := s.pool.Exec(s.t.Context(), sql)
	if err != nil || tag.RowsAffected() != 1 {
		s.t.Fatalf("%s: %v, %d rows", sql, err, tag.RowsAffected())
	}
}

func total(r *verify.Report) (sum verify.Row) {
	for i := range r.Rows {
		sum.Add(&r.Rows[i])
	}
	return sum
}

// TestAccount compares an account with its tables: nothing differs after a pull, also if pages overlap and records are odd; then
// a row is missing, and one is too many.
func TestAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t, clevertapfake.Options{Fault: clevertapfake.Overlap, PageSize: 8})
	day := 20260101
	for i, raw := range []string{
		`{"profile":{}, "ts": 20260101100000, "event_props": {}}`,                            // nobody
		`{"profile":{}, "ts": 20260101100000, "event_props": {}}`,                            // and once more
		`{"profile":{"objectId":"__a"}, "ts": 20260101100000, "event_props": 7}`,             // no properties
		`{"profile":{"objectId":"__a"}, "ts": 20260230100000, "event_props": {"Serial":-1}}`, // no such day
		`{"profile":{"objectId":"__a"}, "ts": 20260101100000, "event_props": {"Serial":-2}`,  // cut: the page is none
		fmt.Sprintf(`{"profile":{"objectId":"%s"}, "ts": 20260101100000}`, strings.Repeat("x", 40_000)),
	} {
		if i == 4 {
			continue
		}
		s.server.Add(clevertapfake.Record{Event: "App Launched", Day: day, Raw: []byte(raw)})
	}
	s.pull()
	r := s.verify()
	sum := total(r)
	if len(r.Differences()) > 0 || len(r.Failed) > 0 {
		t.Errorf("after the pull: %+v, %v", r.Differences(), r.Failed)
	}
	if sum.Rows != s.people.Len()-4 || sum.Duplicates == 0 || sum.Quarantined < 4 || sum.Source != sum.Rows+sum.Duplicates+sum.Quarantined {
		t.Errorf("sums: %+v, of %d records", sum, s.people.Len())
	}

	s.exec("delete from clevertap_prod.app_launched where id = (select min(id) from clevertap_prod.app_launched where serial > 0)")
	s.exec(`insert into clevertap_prod.notification_sent (id, original_timestamp, "timestamp") values ('mine', now(), '2026-01-02T10:00:00+05:30')`)
	s.exec(`insert into clevertap_prod.notification_sent (id, original_timestamp, "timestamp") values ('other day', now(), '2026-01-03T00:00:00+05:30')`)
	got := map[string]string{}
	for _, d := range s.verify().Differences() {
		got[d.Table] = fmt.Sprintf("missing %d extra %d samples %d", d.Missing, d.Extra, len(d.Samples))
	}
	want := map[string]string{"app_launched": "missing 1 extra 0 samples 1", "notification_sent": "missing 0 extra 1 samples 0"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("differences: got %v, want %v", got, want)
	}
	// A window that cannot be read is no reason to call its rows too many.
	s.server.SetFault(clevertapfake.CursorLoop)
	if r := s.verify(); len(r.Failed) == 0 || total(r).Extra > 1 {
		t.Errorf("with windows that fail: %d failed, %d extra", len(r.Failed), total(r).Extra)
	}
}

// TestOtherDays: rows of days that are not compared are no difference, also those that have the day of their load because their
// own time cannot be read.
func TestOtherDays(t *testing.T) {
	t.Parallel()
	s := newSite(t, clevertapfake.Options{})
	s.server.Add(clevertapfake.Record{Event: "App Launched", Day: 20260101, Raw: []byte(`{"profile":{"objectId":"__a"}, "ts": 0, "event_props": {"Serial":-1}}`)})
	s.pull()
	s.From = clevertap.DayOf(time.Now().In(s.Location)).Add(-1) // the day of the load, and the one before it should midnight be near
	s.To = s.From.Add(1)
	if r := s.verify(); len(r.Differences()) > 0 {
		t.Errorf("a row of another window differs: %+v", r.Differences())
	}
	s.From = clevertap.Day{Year: 2026, Month: 1, Date: 1}
	s.To = s.From.Add(1)
	if r := s.verify(); len(r.Differences()) > 0 || total(r).Rows != s.people.Len() {
		t.Errorf("with its own window: %+v", r.Differences())
	}
	s.exec("delete from clevertap_prod.app_launched where serial = -1")
	if r := s.verify(); len(r.Differences()) != 1 || total(r).Missing != 1 {
		t.Errorf("a row without a time is gone: %+v", r.Differences())
	}
}

// TestFiles compares files, before and after they are loaded.
func TestFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t, clevertapfake.Options{})
	path := filepath.Join(t.TempDir(), "a.ndjson")
	line := `{"type":"track","messageId":"m%d","event":"Purchase","userId":"u","timestamp":"2026-01-0%dT22:00:00Z"}` + "\n"
	text := fmt.Sprintf(line+line+line+"{broken\n", 1, 1, 2, 2, 1, 1) + `{"type":"identify","messageId":"i","userId":"u","traits":{"plan":"a"}}` + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := loader.Files([]string{path}, loader.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := loader.New(s.pool, loader.Config{Source: "Web"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, test := range []struct {
		load                       bool
		rows, missing, quarantined int64
		from                       string
	}{{false, 0, 4, 0, ""}, {true, 3, 0, 1, ""}, {true, 2, 0, 1, "2026-01-03"}} {
		if test.load {
			if _, err := l.Load(t.Context(), files); err != nil {
				t.Fatal(err)
			}
		}
		r, err := verify.Run(t.Context(), verify.Options{Pool: s.pool, Schema: "web", Source: files, Location: s.Location, From: test.from})
		if err != nil {
			t.Fatal(err)
		}
		if sum := total(&r); sum.Rows != test.rows || sum.Missing != test.missing || sum.Quarantined != test.quarantined {
			t.Errorf("%+v: got %+v", test, sum)
		}
	}
}
