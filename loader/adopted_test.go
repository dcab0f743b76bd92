package loader_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

// segmentDDL makes tables as Segment's Postgres connector does: a key of varchar(1024), the three first columns, then the
// others by name as the first sync saw them, those of later syncs behind, and numeric for every number with a fraction.
const segmentDDL = `create schema clevertap_prod;
	create table clevertap_prod.tracks (id character varying(1024) not null, received_at timestamp with time zone,
		uuid_ts timestamp with time zone, context_app_version text, context_library_name text, event text, event_text text,
		original_timestamp timestamp with time zone, sent_at timestamp with time zone,
		"timestamp" timestamp with time zone, user_id text, constraint tracks_pkey primary key (id));
	create table clevertap_prod.app_launched (id character varying(1024) not null, received_at timestamp with time zone,
		uuid_ts timestamp with time zone, anonymous_id text, build bigint, context_app_build bigint, context_app_version text,
		context_screen_density numeric, context_screen_height bigint, ct_latitude numeric, ct_longitude numeric,
		ct_session_id numeric, event text, event_text text, original_timestamp timestamp with time zone,
		sent_at timestamp with time zone, "timestamp" timestamp with time zone, version text,
		constraint app_launched_pkey primary key (id));
	alter table clevertap_prod.app_launched add context_traits_user_id text, add user_id text, add context_network_bluetooth boolean;
	create table clevertap_prod.order_completed (id character varying(1024) not null, received_at timestamp with time zone,
		uuid_ts timestamp with time zone, coupon text, event text, event_text text, gift boolean, items bigint,
		original_timestamp timestamp with time zone, revenue numeric, sent_at timestamp with time zone,
		shipped_at timestamp with time zone, "timestamp" timestamp with time zone, user_id text,
		constraint order_completed_pkey primary key (id));
	create table clevertap_prod.identifies (id character varying(1024) not null, received_at timestamp with time zone,
		uuid_ts timestamp with time zone, context_library_name text, credit numeric, email text,
		original_timestamp timestamp with time zone, sent_at timestamp with time zone, "timestamp" timestamp with time zone,
		user_id text, constraint identifies_pkey primary key (id));
	create table clevertap_prod.users (id character varying(1024) not null, received_at timestamp with time zone,
		uuid_ts timestamp with time zone, context_library_name text, credit numeric, email text,
		constraint users_pkey primary key (id));
	create table clevertap_prod.pages (id character varying(1024) not null, received_at timestamp with time zone,
		uuid_ts timestamp with time zone, anonymous_id text, name text, original_timestamp timestamp with time zone, path text,
		sent_at timestamp with time zone, "timestamp" timestamp with time zone, url text,
		constraint pages_pkey primary key (id));
	insert into clevertap_prod.app_launched (id, received_at, uuid_ts, event, event_text, "timestamp", user_id, ct_latitude)
		values ('old', '2025-01-01Z', '2025-01-01Z', 'app_launched', 'App Launched', '2025-01-01Z', 'u0', 12.5);
	insert into clevertap_prod.tracks (id, received_at, uuid_ts, event, event_text, "timestamp", user_id)
		values ('old', '2025-01-01Z', '2025-01-01Z', 'app_launched', 'App Launched', '2025-01-01Z', 'u0');
	insert into clevertap_prod.users (id, received_at, uuid_ts, email, credit)
		values ('u1', '2025-01-01Z', '2025-01-01Z', 'old@example.com', 0.1)`

var segmentEvents = []string{
	`{"type":"track","event":"App Launched","messageId":"a1","userId":"u1","anonymousId":"x1","timestamp":"2026-01-15T10:00:00Z",` +
		`"context":{"app":{"version":"5.2.1","build":77},"screen":{"density":2.625,"height":2400},"network":{"bluetooth":true},"locale":"en"},` +
		`"properties":{"build":12,"CT Latitude":19.076,"CT Longitude":"72.8777","CT Session Id":1700000000,"version":"9","CT Source":"Mobile"}}`,
	`{"type":"track","event":"Order Completed","messageId":"o1","userId":"u1","timestamp":"2026-01-15T10:01:00Z",` +
		`"properties":{"coupon":"X","gift":false,"items":3,"revenue":19.99,"shipped_at":"2026-01-16T00:00:00Z","currency":"INR"}}`,
	`{"type":"track","event":"Order Completed","messageId":"o2","userId":"u2","timestamp":"2026-01-15T10:02:00Z","properties":{"revenue":"a lot","items":4}}`,
	`{"type":"track","event":"Signed Up","messageId":"s1","userId":"u3","timestamp":"2026-01-15T10:03:00Z","properties":{"plan":"pro"}}`,
	`{"type":"identify","messageId":"i1","userId":"u1","timestamp":"2026-01-15T10:04:00Z","traits":{"email":"new@example.com","credit":7.25,"plan":"gold"}}`,
	`{"type":"page","messageId":"p1","anonymousId":"x1","userId":"u1","name":"Home","timestamp":"2026-01-15T10:05:00Z","properties":{"path":"/","url":"https://example.com/","depth":1}}`,
	`{"type":"track","event":"App Launched","messageId":"old","userId":"u9","timestamp":"2026-01-15T10:06:00Z"}`,
}

// TestSegmentsTablesAreLoadedAsTheyAre loads into a schema that Segment made, twice: no column there moves or changes its
// type, only what is missing is added, and tracks, a table, has every row.
func TestSegmentsTablesAreLoadedAsTheyAre(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, segmentDDL)
	columns := `select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnum::int
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		where c.relnamespace = 'clevertap_prod'::regnamespace and c.relkind = 'r' order by 1, 4`
	before := pgtest.Query(t, pool, columns)
	path := write(t, segmentEvents...)
	load(t, pool, loader.Config{}, path)
	load(t, pool, loader.Config{}, write(t, append(segmentEvents, " ")...)) // the same events in another file
	after := map[[2]any][]any{}
	for _, row := range pgtest.Query(t, pool, columns) {
		after[[2]any{row[0], row[1]}] = row
	}
	for _, row := range before {
		if diff := cmp.Diff(row, after[[2]any{row[0], row[1]}]); diff != "" {
			t.Errorf("column was changed (-before +after):\n%s", diff)
		}
	}
	for _, c := range []struct{ table, column, typ string }{
		{"app_launched", "ct_source", "text"},
		{"app_launched", "context_locale", "text"},
		{"order_completed", "currency", "text"},
		{"identifies", "plan", "text"},
		{"identifies", "anonymous_id", "text"},
		{"users", "plan", "text"},
		{"pages", "depth", "bigint"},
		{"pages", "user_id", "text"},
		{"tracks", "anonymous_id", "text"},
		{"tracks", "context_locale", "text"},
		{"tracks", "context_app_build", "text"},
	} {
		if row := after[[2]any{c.table, c.column}]; row == nil || row[2] != c.typ {
			t.Errorf("added column %s.%s: %v", c.table, c.column, row)
		}
	}
	for _, q := range []struct {
		query string
		want  [][]any
	}{
		{
			`select id, ct_latitude::text, ct_longitude::text, ct_session_id::text, build, context_app_build, context_screen_density::text,
				context_network_bluetooth, version, ct_source, user_id from clevertap_prod.app_launched order by id`,
			[][]any{
				{"a1", "19.076", "72.8777", "1700000000", int64(12), int64(77), "2.625", true, "9", "Mobile", "u1"},
				{"old", "12.5", nil, nil, nil, nil, nil, nil, nil, nil, "u0"},
			},
		},
		{
			`select id, revenue::text, items, gift, coupon, currency, shipped_at = '2026-01-16Z' from clevertap_prod.order_completed order by id`,
			[][]any{{"o1", "19.99", int64(3), false, "X", "INR", true}, {"o2", nil, int64(4), nil, nil, nil, nil}},
		},
		{`select row_id, column_name, raw_value, reason from clevertap_prod._discards`, [][]any{{"o2", "revenue", `"a lot"`, "type_mismatch"}}},
		{`select id, user_id, email, credit::text, plan from clevertap_prod.identifies`, [][]any{{"i1", "u1", "new@example.com", "7.25", "gold"}}},
		{`select id, email, credit::text, plan from clevertap_prod.users`, [][]any{{"u1", "new@example.com", "7.25", "gold"}}},
		{
			`select id, name, path, url, depth, anonymous_id, user_id from clevertap_prod.pages`,
			[][]any{{"p1", "Home", "/", "https://example.com/", int64(1), "x1", "u1"}},
		},
		{
			`select id, event, event_text, user_id, anonymous_id, context_app_version, context_app_build, context_locale
				from clevertap_prod.tracks order by id`,
			[][]any{
				{"a1", "app_launched", "App Launched", "u1", "x1", "5.2.1", "77", "en"},
				{"o1", "order_completed", "Order Completed", "u1", nil, nil, nil, nil},
				{"o2", "order_completed", "Order Completed", "u2", nil, nil, nil, nil},
				{"old", "app_launched", "App Launched", "u0", nil, nil, nil, nil},
				{"s1", "signed_up", "Signed Up", "u3", nil, nil, nil, nil},
			},
		},
		{`select relkind::text from pg_class where oid = 'clevertap_prod.tracks'::regclass`, [][]any{{"r"}}},
	} {
		if diff := cmp.Diff(q.want, pgtest.Query(t, pool, q.query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", q.query, diff)
		}
	}
}
