package loader_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// The formats whose records need more than their own bytes: CSV, CleverTap's exports, in whole and in parts.
func TestReplayOfFormats(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	const record = `{"ts":20260102030405,"eventProps":{"Amount":%d,"CT App Version":"1.0","when":"$D_1700000000"},"profile":{"identity":"u1","objectId":"o1","platform":"iOS"},"deviceInfo":{"make":"Apple"}}`
	for name, text := range map[string]string{
		"segment.csv": "event,userId,timestamp,prop:amount,context.ip,writeKey,prop:note\n" +
			"Order Paid,u1,2026-01-01T00:00:00Z,5,1.2.3.4,secret,\"a \"\"quoted\"\", word\"\n" +
			"Order Paid,u1,2026-01-01T00:00:00Z,5,1.2.3.4,secret,\"two\nlines\"\n" +
			"Order Paid,u1,2026-01-01T00:00:00Z,5,1.2.3.4,other,x\nOrder Paid,u1,2026-01-01T00:00:00Z,5,1.2.3.4,other,x\n" +
			"App Launched,u2,,7,,,\n",
		"clevertap.csv": "ts,eventName,profile.identity,profile.objectId,eventProps.Amount,eventProps.colour\n" +
			"20260102030405,Charged Twice,u1,o1,5,red\n20260102030405,Charged Twice,u1,o1,5,red\n20260102030406,App Launched,u1,o1,6,blue\n",
		"named.json":  "\"Charged Twice\"\n" + fmt.Sprintf(record, 1) + "\n" + fmt.Sprintf(record, 1) + "\n" + fmt.Sprintf(record, 2) + "\n",
		"pages.json":  `{"records":[` + fmt.Sprintf(record, 1) + "," + fmt.Sprintf(record, 1) + `],"eventName":"x"}` + "\n" + strings.Replace(fmt.Sprintf(record, 3), `{"ts"`, `{"eventName":"App Launched","ts"`, 1),
		"single.json": strings.Replace(fmt.Sprintf(record, 3), `{"ts"`, `{"eventName":"Charged Twice","ts"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplayed(t)
			r.options = loader.FileOptions{Timezone: zone, Account: "A"}
			if name == "pages.json" {
				r.options.Event, r.options.Format = "Charged Twice", "clevertap"
			}
			path := writeFile(t, filepath.Join(t.TempDir(), name), []byte(text))
			r.load(r.auto, loader.Auto, path)
			if first := r.load(r.managed, loader.Managed, path); first.Quarantined == 0 {
				t.Fatalf("nothing waits: %+v", first)
			}
			r.migrate()
			s := loader.Selection{Timezone: zone, Account: "A"}
			if name != "segment.csv" {
				_, err := tryReplay(t, r.managed, fixed(loader.Managed), loader.Selection{Account: "A"})
				var missing *loader.SettingsError
				if !errors.As(err, &missing) || !strings.Contains(err.Error(), "time zone") {
					t.Errorf("without a time zone: %v", err)
				}
			}
			if got := r.replay(s); len(got.Records.Refused) != 0 || len(got.Kept) != 0 {
				t.Errorf("refused %v, kept %v", got.Records.Refused, got.Kept)
			}
			r.mustBeEqual()
		})
	}
}

// The settings are those of now: of a wrong user_identity, and of the time zone.
func TestReplayWithOtherSettings(t *testing.T) {
	t.Parallel()
	r := newReplayed(t)
	record := func(name, user string) string {
		return `{"eventName":"` + name + `","ts":20260102030405,"eventProps":{},"profile":{` + user + `}}`
	}
	path := lines(t, record("App Launched", `"identity":true,"email":"a@example.com","objectId":"o1"`),
		record("App Launched", `"identity":"u1","objectId":"o1"`), record("New One", `"identity":"u1","email":"b@example.com"`))
	wrong, right := time.UTC, time.FixedZone("Asia/Kolkata", 5*3600+1800)
	r.options = loader.FileOptions{Timezone: wrong, Account: "A"}
	if first := r.load(r.managed, loader.Managed, path); first.Quarantine[schema.InvalidUserID] != 1 || first.Quarantine[schema.UnknownTable] != 1 {
		t.Fatalf("first load: %+v", first)
	}
	r.options = loader.FileOptions{Timezone: right, Account: "A", UserIdentity: "email"}
	r.load(r.auto, loader.Auto, path)
	r.migrate()
	got := r.replay(loader.Selection{Timezone: right, Account: "A", UserIdentity: "email"})
	if got.Records.Loaded != 2 {
		t.Errorf("replay: %+v", got)
	}
	const times = `select id, timestamp::text from web.`
	for _, query := range []string{times + `new_one`, `select id, user_id, timestamp::text from web.app_launched where user_id = 'a@example.com'`} {
		if diff := cmp.Diff(pgtest.Query(t, r.auto, query), pgtest.Query(t, r.managed, query)); diff != "" {
			t.Errorf("%s (-auto +replayed):\n%s", query, diff)
		}
	}
}

// A table limit that was raised, in a schema of the loader's own: the replay makes the tables, and columns.
func TestReplayAfterLimits(t *testing.T) {
	t.Parallel()
	r := newReplayed(t)
	path := lines(t, trackOf("1", "One", `{"a":1}`), trackOf("2", "Two", `{"a":1}`), trackOf("3", "App Launched", `{"x":1,"y":2.5,"z":"three"}`),
		`{"type":"identify","messageId":"i","userId":"u","traits":{"p":1,"q":2}}`)
	r.load(r.auto, loader.Auto, path)
	cfg := fixed(loader.Auto)
	cfg.MaxTables, cfg.MaxColumns = len(schemaOf(t, r.managed)), 1
	first := load(t, r.managed, cfg, path)
	if first.Quarantine[schema.TableLimit] != 2 || first.Discards[schema.ColumnLimit] < 3 {
		t.Fatalf("first load: %+v", first)
	}
	got, err := tryReplay(t, r.managed, fixed(loader.Auto), loader.Selection{})
	if err != nil || got.Records.Loaded != 2 || got.Values() != first.Discarded {
		t.Errorf("replay: %+v, %v", got, err)
	}
	r.mustBeEqual()
}

func trackOf(id, event, properties string) string {
	return fmt.Sprintf(`{"type":"track","event":%q,"messageId":%q,"userId":"u","properties":%s}`, event, id, properties)
}

// Rows that a constraint refused, of events and of users, come in once it is gone; while it stands they wait.
func TestReplayAfterAConstraint(t *testing.T) {
	t.Parallel()
	r := newReplayed(t)
	user := `{"type":"identify","messageId":"i","userId":"u1","traits":{"name":"odd"}}`
	path := lines(t, trackOf("1", "App Launched", `{"n":1}`), trackOf("2", "App Launched", `{"n":2}`), user, trackOf("3", "App Launched", `{"n":3}`))
	r.load(r.auto, loader.Auto, path)
	r.migrate()
	pgtest.Exec(t, r.managed, `alter table web.app_launched add constraint odd check (n <> 2)`)
	pgtest.Exec(t, r.managed, `alter table web.users add constraint odd check (name <> 'odd')`)
	first := r.load(r.managed, loader.Managed, path)
	if first.Quarantine[schema.RejectedByDatabase] != 1 || first.Discards[schema.RejectedByDatabase] != 1 {
		t.Fatalf("first load: %+v", first)
	}
	got := r.replay(loader.Selection{})
	if got.Records.Refused[schema.RejectedByDatabase] != 1 || got.Kept[schema.RejectedByDatabase] != 1 || len(got.Loads) != 0 {
		t.Errorf("while the constraints stand: %+v", got)
	}
	if n := pgtest.Value[int64](t, r.managed, `select count(*) from web._quarantine`); n != 1 {
		t.Errorf("quarantine has %d rows, want 1", n)
	}
	pgtest.Exec(t, r.managed, `alter table web.app_launched drop constraint odd`)
	pgtest.Exec(t, r.managed, `alter table web.users drop constraint odd`)
	if got := r.replay(loader.Selection{Reasons: []schema.Reason{schema.RejectedByDatabase}}); got.Records.Loaded != 1 || got.Filled["users"] != 1 {
		t.Errorf("afterwards: %+v", got)
	}
	r.mustBeEqual()
}

// A column that somebody has widened takes what it could not hold; what it cannot hold either goes on waiting.
func TestReplayAfterWidening(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	cfg := fixed(loader.Auto)
	load(t, pool, cfg, lines(t, trackOf("1", "Sale", `{"n":1,"d":1.5}`)))
	load(t, pool, cfg, lines(t, trackOf("2", "Sale", `{"n":2.5}`), trackOf("3", "Sale", `{"n":"word"}`),
		trackOf("4", "Sale", `{"n":3,"d":1e999}`)))
	pgtest.Exec(t, pool, `drop view web.tracks; alter table web.sale alter n type numeric, add constraint small check (n < 100)`)
	load(t, pool, cfg, lines(t, trackOf("5", "Sale", `{"n":"x"}`)))
	got, err := tryReplay(t, pool, fixed(loader.Managed), loader.Selection{Table: "sale"})
	if err != nil || got.Filled["sale"] != 1 || got.Kept[schema.TypeMismatch] != 2 || got.Kept[schema.NumberOutOfRange] != 1 {
		t.Errorf("replay: %+v, %v", got, err)
	}
	pgtest.Exec(t, pool, `alter table web.sale drop constraint small; alter table web.sale alter n type text`)
	pgtest.Exec(t, pool, `delete from web.sale where id = '5'`)
	got, err = tryReplay(t, pool, fixed(loader.Managed), loader.Selection{})
	if err != nil || got.Filled["sale"] != 1 || got.Kept["row_gone"] != 1 {
		t.Errorf("replay as text: %+v, %v", got, err)
	}
	want := [][]any{{"1", "1"}, {"2", "2.5"}, {"3", "word"}, {"4", "3"}}
	if diff := cmp.Diff(want, pgtest.Query(t, pool, `select id, n from web.sale order by id`)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// Table, time and limit select; a plan touches nothing; a record that was cut is told.
func TestReplaySelection(t *testing.T) {
	t.Parallel()
	r := newReplayed(t)
	large := trackOf("big", "One", `{"text":"`+strings.Repeat("x", 40_000)+`"}`)
	path := lines(t, trackOf("1", "One", `{"a":1}`), trackOf("2", "Two", `{"a":1}`), trackOf("3", "Two", `{"a":2}`), trackOf("4", "App Launched", `{"a":1}`), large)
	r.load(r.auto, loader.Auto, path)
	r.load(r.managed, loader.Managed, path)
	r.migrate()
	plan, err := func() (loader.ReplayReport, error) {
		l, err := loader.New(r.managed, fixed(loader.Managed))
		if err != nil {
			return loader.ReplayReport{}, err
		}
		defer l.Close()
		return l.PlanReplay(t.Context(), loader.Selection{})
	}()
	if err != nil || plan.Records.Loaded != 3 || plan.Values() != 1 || plan.Cut != 1 {
		t.Errorf("plan: %+v, %v", plan, err)
	}
	if n, v := waitingRows(t, r.managed); n != 4 || v != 1 {
		t.Errorf("after the plan %d records and %d values wait", n, v)
	}
	if got := r.replay(loader.Selection{Until: loadTime}); got.Records.Loaded+got.Values() != 0 {
		t.Errorf("before anything was there: %+v", got)
	}
	if got := r.replay(loader.Selection{Table: "two", Limit: 1, Since: loadTime}); got.Records.Loaded != 1 || got.Values() != 0 {
		t.Errorf("one of table two: %+v", got)
	}
	if got := r.replay(loader.Selection{Reasons: []schema.Reason{schema.UnknownColumn}}); got.Records.Loaded != 0 || got.Values() != 1 {
		t.Errorf("values alone: %+v", got)
	}
	if got := r.replay(loader.Selection{}); got.Records.Loaded != 2 || got.Cut != 1 {
		t.Errorf("the rest: %+v", got)
	}
	r.mustBeEqual()
}

// Replays at the same time, beside loads of the same file under another name: every event is there once.
func TestReplaysAtOnce(t *testing.T) {
	t.Parallel()
	r := newReplayed(t)
	var all []string
	for i := range 500 {
		all = append(all, trackOf(fmt.Sprint("n", i), "New One", `{"a":1}`), trackOf(fmt.Sprint("a", i), "App Launched", `{"b":"x","c":1}`),
			`{"type":"track","event":"New One","userId":"u","properties":{"same":true}}`)
	}
	path := lines(t, all...)
	r.load(r.auto, loader.Auto, path)
	first := r.load(r.managed, loader.Managed, path)
	r.migrate()
	// All have begun before the first can mark what it has read.
	tx, err := r.managed.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, tx, `lock table web._quarantine in share mode`)
	reports := make([]loader.ReplayReport, 3)
	var group sync.WaitGroup
	for i := range reports {
		own := pgtest.PoolAt(t, r.managed.Config().ConnString()) // a replay keeps one connection while it waits for another
		group.Go(func() {
			var err error
			if reports[i], err = tryReplay(t, own, fixed(loader.Managed), loader.Selection{}); err != nil {
				t.Error(err)
			}
		})
	}
	reload := lines(t, all...)
	var again loader.Report
	group.Go(func() {
		cfg := fixed(loader.Managed)
		var err error
		if again, err = tryLoad(t, r.managed, cfg, reload); err != nil {
			t.Error(err)
		}
	})
	const waiting = `select count(distinct pid) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`
	for pgtest.Value[int64](t, r.managed, waiting) < int64(len(reports)) {
		time.Sleep(5 * time.Millisecond)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	var loaded, taken, filled int64
	for i := range reports {
		loaded += reports[i].Records.Loaded
		taken += reports[i].Records.Accepted
		filled += reports[i].Values()
	}
	if taken != first.Quarantined || filled != first.Discarded || loaded+again.Loaded != 1000 {
		t.Errorf("%d of %d records taken, %d of %d values, %d rows by replays and %d by the load", taken, first.Quarantined, filled, first.Discarded,
			loaded, again.Loaded)
	}
	r.mustBeEqual()
}

// A tracks table of somebody else's gets the rows and the values, and loses them with an undo.
func TestReplayFillsTracks(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, `create schema web; create table web.tracks (id text primary key, event text, context_ip text, context_n text, uuid_ts timestamptz)`)
	load(t, pool, fixed(loader.Auto), lines(t, trackOf("0", "App Launched", `{}`)))
	event := func(id, name string) string {
		return `{"type":"track","event":"` + name + `","messageId":"` + id + `","userId":"u","context":{"ip":"` + id + `","n":7}}`
	}
	load(t, pool, fixed(loader.Managed), lines(t, event("1", "App Launched"), event("2", "New One")))
	const tracks = `select id, event, context_ip, context_n from web.tracks order by id`
	waits := [][]any{{"0", "app_launched", nil, nil}, {"1", "app_launched", nil, nil}}
	if diff := cmp.Diff(waits, pgtest.Query(t, pool, tracks)); diff != "" {
		t.Fatalf("tracks before (-want +got):\n%s", diff)
	}
	pgtest.Exec(t, pool, `create table web.new_one (like web.app_launched including all)`)
	pgtest.Exec(t, pool, `alter table web.new_one add context_ip text, add context_n bigint`)
	pgtest.Exec(t, pool, `alter table web.app_launched add context_ip text, add context_n bigint`)
	got, err := tryReplay(t, pool, fixed(loader.Managed), loader.Selection{})
	if err != nil || got.Records.Loaded != 1 || got.Values() != 2 {
		t.Errorf("replay: %+v, %v", got, err)
	}
	want := [][]any{{"0", "app_launched", nil, nil}, {"1", "app_launched", "1", "7"}, {"2", "new_one", "2", "7"}}
	if diff := cmp.Diff(want, pgtest.Query(t, pool, tracks)); diff != "" {
		t.Errorf("tracks (-want +got):\n%s", diff)
	}
	for _, id := range got.Loads {
		undo(t, pool, id)
	}
	if diff := cmp.Diff(waits, pgtest.Query(t, pool, tracks)); diff != "" {
		t.Errorf("tracks after undo (-want +got):\n%s", diff)
	}
}

// users and accounts follow the values that their calls get, and lose them with an undo.
func TestReplayRefreshesPeople(t *testing.T) {
	t.Parallel()
	r := newReplayed(t)
	call := func(id, kind, traits string) string {
		return `{"type":"` + kind + `","messageId":"` + id + `","userId":"u1","groupId":"g1","timestamp":"2026-01-0` + id + `","traits":` + traits + `}`
	}
	before := lines(t, call("1", "identify", `{"a":1}`), call("1", "group", `{"a":1}`))
	r.load(r.auto, loader.Auto, before)
	r.load(r.managed, loader.Auto, before)
	path := lines(t, call("2", "identify", `{"plan":"pro"}`), call("3", "identify", `{"plan":"max"}`), call("2", "group", `{"seats":5}`))
	r.load(r.auto, loader.Auto, path)
	if first := r.load(r.managed, loader.Managed, path); first.Discards[schema.UnknownColumn] != 3 {
		t.Fatalf("first load: %+v", first)
	}
	r.migrate()
	waits := webContents(t, r.managed)
	got := r.replay(loader.Selection{})
	r.mustBeEqual()
	for _, id := range got.Loads {
		undo(t, r.managed, id)
	}
	if diff := cmp.Diff(waits, webContents(t, r.managed)); diff != "" {
		t.Errorf("undone (-before +after):\n%s", diff)
	}
}
