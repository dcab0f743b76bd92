package pull_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/pull"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const sourceName, schemaName = "CleverTap_Prod", "clevertap_prod"

// site is an account, a database, and the options to pull from the one into the other.
type site struct {
	t      *testing.T
	server *clevertapfake.Server
	people *clevertapfake.Population
	pool   *pgxpool.Pool

	firstSerial int64
	pull.Options
}

func newSite(t *testing.T, events int64, o clevertapfake.Options) *site {
	t.Helper()
	s := &site{t: t, pool: connect(t, pgtest.DSN(t))}
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	s.Options = pull.Options{
		API: clevertap.Options{
			Account: clevertapfake.DefaultAccount, Passcode: clevertapfake.DefaultPasscode,
			PollWait: time.Millisecond, MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond, Timeout: 2 * time.Second,
		},
		Pool: s.pool, Loader: loader.Config{Source: sourceName}, Location: zone, TempDir: t.TempDir(),
	}
	s.serve(events, 1, o)
	return s
}

// serve starts a server with a population of its own; the site's next pull is from it.
func (s *site) serve(events, firstSerial int64, o clevertapfake.Options) {
	s.t.Helper()
	s.firstSerial = firstSerial
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, s.Location)
	var err error
	if s.people, err = clevertapfake.NewPopulation(clevertapfake.PopulationOptions{
		Events: events, Seed: 11, From: from, To: from.AddDate(0, 0, 3), FirstSerial: firstSerial,
	}); err != nil {
		s.t.Fatal(err)
	}
	o.Population = s.people
	if s.server, err = clevertapfake.New(o); err != nil {
		s.t.Fatal(err)
	}
	if err := s.server.Start(""); err != nil {
		s.t.Fatal(err)
	}
	server := s.server
	s.t.Cleanup(func() {
		if err := server.Close(); err != nil {
			s.t.Error(err)
		}
	})
	first, last := s.people.Days()
	s.API.Endpoint, s.From, s.To = server.URL(), day(first), day(last)
}

func connect(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func day(n int) clevertap.Day {
	return clevertap.Day{Year: n / 10_000, Month: time.Month(n / 100 % 100), Date: n % 100}
}

// pull pulls and fails the test if that fails.
func (s *site) pull() pull.Report {
	s.t.Helper()
	r, err := pull.Pull(s.t.Context(), s.Options)
	if err != nil {
		s.t.Fatalf("pull: %v", err)
	}
	return r
}

// want fails if the tables hold anything else than the population.
func (s *site) want() {
	s.t.Helper()
	got, want := map[string]int{}, map[string]int{}
	for _, event := range s.people.Events() {
		for _, r := range s.people.Records(event, 0) {
			want[fmt.Sprintf("%s %d %d", tableOf(event), r.Serial, r.Day)]++
		}
		for key, n := range s.rows(tableOf(event)) {
			got[key] = n
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("rows by table, serial and day (-want +got):\n%s", diff)
	}
	var quarantined int
	s.scan("select count(*) from clevertap_prod._quarantine", &quarantined)
	if quarantined > 0 {
		s.t.Errorf("%d records in quarantine", quarantined)
	}
}

// rows counts the rows of a table by serial and local day.
func (s *site) rows(table string) map[string]int {
	s.t.Helper()
	rows, _ := s.pool.Query(s.t.Context(), "select serial, to_char(timestamp at time zone 'Asia/Kolkata', 'YYYYMMDD'), count(*) from "+
		pgx.Identifier{schemaName, table}.Sanitize()+" where serial >= $1 group by 1, 2", s.firstSerial)
	out := map[string]int{}
	var serial int64
	var at string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&serial, &at, &n}, func() error {
		out[fmt.Sprintf("%s %d %s", table, serial, at)] = n
		return nil
	}); err != nil {
		s.t.Fatalf("count rows of %s: %v", table, err)
	}
	return out
}

func (s *site) scan(sql string, to ...any) {
	s.t.Helper()
	if err := s.pool.QueryRow(s.t.Context(), sql).Scan(to...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

func tableOf(event string) string {
	return schema.TableOf(&schema.Event{Call: schema.Track, Name: []byte(event)})
}

// TestPullThroughFaults pulls an account's population exactly, whatever goes wrong with the answers, and again, when nothing is
// added. All faults have one schema: to make that takes longer than to pull.
func TestPullThroughFaults(t *testing.T) {
	t.Parallel()
	s := newSite(t, 200, clevertapfake.Options{})
	for i, fault := range append(clevertapfake.Faults(), clevertapfake.NoFault) {
		s.serve(200, int64(i+1)*1_000_000, clevertapfake.Options{Fault: fault, PageSize: 9, Pending: 1})
		s.API.Timeout = 2 * time.Second
		if fault == clevertapfake.Hang || fault == clevertapfake.Everything {
			s.API.Timeout = 200 * time.Millisecond
		}
		s.Again = true
		if first := s.pull(); first.Loaded != s.people.Len() {
			t.Errorf("fault %s, first pull: %d rows, want %d", fault, first.Loaded, s.people.Len())
		}
		s.want()
		s.server.SetFault(clevertapfake.NoFault)
		if r := s.pull(); r.Loaded != 0 || r.Duplicates != s.people.Len() {
			t.Errorf("fault %s, second pull: %d rows and %d duplicates, want 0 and %d", fault, r.Loaded, r.Duplicates, s.people.Len())
		}
		s.want()
		if stats := s.server.Stats(); stats.Doubled > 0 {
			t.Errorf("fault %s: %d cursors were encoded twice", fault, stats.Doubled)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

// TestLookback finds late events while a window is within its lookback, and does not ask any more after that.
func TestLookback(t *testing.T) {
	t.Parallel()
	s := newSite(t, 200, clevertapfake.Options{})
	s.pull()
	s.want()
	// A second pull long after reads nothing: every window was loaded after its lookback.
	before := s.server.Stats()
	if r := s.pull(); !settled(r) {
		t.Errorf("%d of %d windows are settled", r.Settled, r.Windows)
	}
	if after := s.server.Stats(); after.Begins != before.Begins {
		t.Errorf("%d windows were asked for", after.Begins-before.Begins)
	}
	// As if the last day had been loaded before its lookback was over.
	_, last := s.people.Days()
	s.exec("update clevertap_prod._units set loaded_at = $1 where unit_key like '%:' || $2 || ':%'",
		day(last).Add(2).Start(s.Location), day(last).String())
	late := s.people.Records("App Launched", last)[0]
	late.Serial = 900_001
	late.Raw = []byte(strings.Replace(string(late.Raw), `"Serial":`, `"Serial":900001,"Was":`, 1))
	s.server.Add(late)
	r := s.pull()
	if r.Loaded != 1 || r.Settled == r.Windows || r.Settled == 0 {
		t.Errorf("%d rows, %d of %d windows settled; want the late event, from the last day", r.Loaded, r.Settled, r.Windows)
	}
	s.want()
	if r := s.pull(); !settled(r) {
		t.Errorf("%d of %d windows are settled after that", r.Settled, r.Windows)
	}
}

// settled reports whether all windows were settled but those of events that the account does not know: these it is asked for
// each time.
func settled(r pull.Report) bool {
	days := r.To.Number() - r.From.Number() + 1 // of one month
	return r.Windows > 0 && r.Settled == r.Windows-days*len(r.Skipped)
}

func (s *site) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.pool.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

// TestEventsThatAreNotGivenAway are left out and named; one that was asked for by a name that the account does not know fails.
func TestEventsThatAreNotGivenAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, 200, clevertapfake.Options{NotExportable: []string{"Notification Viewed"}})
	r := s.pull()
	var refused []string
	for _, e := range r.Skipped {
		if e.Reason == "export_not_allowed" {
			refused = append(refused, e.Event)
		}
	}
	if diff := cmp.Diff([]string{"Notification Viewed"}, refused); diff != "" {
		t.Errorf("refused events (-want +got):\n%s", diff)
	}
	left := s.people.Len() - int64(len(s.people.Records("Notification Viewed", 0)))
	if r.Loaded != left {
		t.Errorf("%d rows, want %d", r.Loaded, left)
	}
	s.Events = []string{"app launched"}
	r, err := pull.Pull(t.Context(), s.Options)
	if !errors.Is(err, clevertap.ErrUnknownEvent) || !strings.Contains(fmt.Sprint(err), "app launched") {
		t.Errorf("got %v, want the error of an event that is not there", err)
	}
	if r.FailedUnits() == 0 {
		t.Error("no window is reported as failed")
	}
}

// TestDenied ends at the first answer that says so, and shows the passcode nowhere.
func TestDenied(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50, clevertapfake.Options{})
	s.API.Passcode = "not-the-passcode"
	for _, only := range []bool{false, true} {
		s.Only, s.Events = only, []string{"App Launched"}
		_, err := pull.Pull(t.Context(), s.Options)
		if !clevertap.Denied(err) {
			t.Fatalf("got %v, want that it is denied", err)
		}
		if text := fmt.Sprintf("%v %+v %#v", err, s.API, s.API); strings.Contains(text, "not-the-passcode") {
			t.Errorf("the passcode is shown: %s", text)
		}
	}
}

// TestPrepare makes tables and columns for what the account knows, before any event.
func TestPrepare(t *testing.T) {
	t.Parallel()
	s := newSite(t, 30, clevertapfake.Options{Schema: map[string]map[string]string{
		"Order Placed": {"Order Total": "Float", "Quantity": "Integer", "Gift": "Boolean", "Placed On": "Date", "Note": "String", "Odd": "Number"},
		"App Launched": {"Theme": "String"},
	}})
	plan, err := pull.Prepare(t.Context(), s.Options, true)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan.SQL, "order_placed") {
		t.Errorf("the plan has no table order_placed:\n%s", plan.SQL)
	}
	if _, err := pull.Prepare(t.Context(), s.Options, false); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	rows, _ := s.pool.Query(t.Context(), `select table_name || '.' || column_name, data_type from information_schema.columns
		where table_schema = 'clevertap_prod' and (table_name = 'order_placed' and column_name in
		('order_total', 'quantity', 'gift', 'placed_on', 'note', 'odd') or table_name = 'app_launched' and column_name = 'theme')`)
	var column, kind string
	if _, err := pgx.ForEachRow(rows, []any{&column, &kind}, func() error {
		got[column] = kind
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"order_placed.order_total": "double precision", "order_placed.quantity": "bigint", "order_placed.gift": "boolean",
		"order_placed.placed_on": "timestamp with time zone", "order_placed.note": "text", "app_launched.theme": "text",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	var rowsThere int
	s.scan("select count(*) from clevertap_prod.order_placed", &rowsThere)
	if rowsThere != 0 {
		t.Errorf("%d rows of samples are there", rowsThere)
	}
	if again, err := pull.Prepare(t.Context(), s.Options, false); err != nil || !again.Diff.Empty() {
		t.Errorf("again: %+v, %v, want nothing to do", again.Diff, err)
	}
}

// TestGoesOn begins, without a first day, where the last pull has ended.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, 60, clevertapfake.Options{})
	s.From, s.To = clevertap.Day{}, clevertap.Day{}
	now := time.Date(2026, 1, 2, 0, 30, 0, 0, s.Location)
	s.Now = func() time.Time { return now }
	for _, test := range []struct{ day, from, to string }{
		{"2026-01-02", "2025-12-30", "2026-01-02"}, // nothing was there: the lookback, and one more
		{"2026-01-03", "2025-12-30", "2026-01-03"}, // a day later
		{"2026-01-20", "2025-12-31", "2026-01-20"}, // after a pause
	} {
		var err error
		if now, err = time.ParseInLocation(time.DateOnly, test.day, s.Location); err != nil {
			t.Fatal(err)
		}
		if r := s.pull(); r.From.String() != test.from || r.To.String() != test.to {
			t.Errorf("on %s: from %s to %s, want %s and %s", test.day, r.From, r.To, test.from, test.to)
		}
	}
	s.want()
}

// TestGoesOnWhereWindowsFailed begins, without a first day, with the days on which windows have failed, however long ago that is and
// whatever was loaded since; once they are loaded, no more.
func TestGoesOnWhereWindowsFailed(t *testing.T) {
	t.Parallel()
	s := newSite(t, 300, clevertapfake.Options{PageSize: 5})
	s.Only, s.Events = true, []string{"App Launched", "Notification Viewed"}
	s.server.SetFault(clevertapfake.CursorLoop) // windows of more than one page fail
	if r, err := pull.Pull(t.Context(), s.Options); err == nil || r.FailedUnits() == 0 {
		t.Fatalf("%v, %d windows failed; want some", err, r.FailedUnits())
	}
	s.scanInto(func(n int) {
		if n == 0 {
			t.Error("the ledger knows of no window that failed")
		}
	}, "select count(*)::int from clevertap_prod._loads where status = 'failed' and error like '%cursor_loop%'")
	s.server.SetFault(clevertapfake.NoFault)
	first := s.From
	s.From, s.To = clevertap.Day{}, clevertap.Day{}
	now := day(20260201).Start(s.Location)
	s.Now = func() time.Time { return now }
	s.Events = []string{"App Installed"} // of which nothing failed
	if r := s.pull(); r.From == first {
		t.Errorf("from %s, which has failed for other events", r.From)
	}
	s.Events = []string{"App Launched", "Notification Viewed"}
	if r := s.pull(); r.From != first {
		t.Errorf("from %s, want %s, where windows have failed", r.From, first)
	}
	for _, event := range s.Events {
		want := len(s.people.Records(event, 0))
		s.scanInto(func(n int) {
			if n != want {
				t.Errorf("%s: %d rows, want %d", event, n, want)
			}
		}, "select count(*)::int from clevertap_prod."+tableOf(event))
	}
	if r := s.pull(); r.From == first {
		t.Errorf("from %s still, where nothing is missing any more", r.From)
	}
}

func (s *site) scanInto(check func(int), sql string) {
	s.t.Helper()
	var n int
	s.scan(sql, &n)
	check(n)
}

// TestProgress ends with all windows done, those of events that are left out counted, and never goes back.
func TestProgress(t *testing.T) {
	t.Parallel()
	s := newSite(t, 100, clevertapfake.Options{NotExportable: []string{"App Launched"}})
	var all []pull.Progress
	s.Progress = func(p pull.Progress) { all = append(all, p) }
	r := s.pull()
	last := all[len(all)-1]
	if last.Windows != r.Windows || last.Done != r.Windows || last.Events != r.Accepted || last.Left != 0 {
		t.Errorf("at the end: %+v, of %d windows and %d events", last, r.Windows, r.Accepted)
	}
	for i := 1; i < len(all); i++ {
		if all[i].Done < all[i-1].Done || all[i].Events < all[i-1].Events {
			t.Errorf("it goes back: %+v after %+v", all[i], all[i-1])
		}
	}
	if len(r.Units) != r.FinishedUnits() || r.FinishedUnits() == 0 {
		t.Errorf("%d units are reported, %d finished", len(r.Units), r.FinishedUnits())
	}
}
