package loader_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/loader"
)

// TestTracksOfAnAdoptedSchemaIsFilled loads into tables as Segment makes them: tracks is a table there and stays one.
func TestTracksOfAnAdoptedSchemaIsFilled(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, `create schema clevertap_prod;
		create table clevertap_prod.tracks (id varchar(1024) not null primary key, received_at timestamptz, uuid_ts timestamptz,
			anonymous_id text, context_ip text, event text, event_text text, original_timestamp timestamptz, sent_at timestamptz,
			"timestamp" timestamptz, user_id text);
		create table clevertap_prod.signed_up (id varchar(1024) not null primary key, received_at timestamptz, uuid_ts timestamptz,
			context_ip text, event text, event_text text, original_timestamp timestamptz, plan text, sent_at timestamptz,
			"timestamp" timestamptz, user_id text)`)
	path := write(t,
		`{"type":"track","event":"Signed Up","messageId":"s1","userId":"u1","timestamp":"2026-01-15T10:00:00Z","context":{"ip":"10.0.0.1"},"properties":{"plan":"pro"}}`,
		`{"type":"track","event":"App Launched","messageId":"a1","anonymousId":"x1","timestamp":"2026-01-15T10:00:01Z"}`,
		`{"type":"identify","messageId":"i1","userId":"u1","traits":{"plan":"pro"}}`,
	)
	load(t, pool, loader.Config{}, path)
	got := pgtest.Query(t, pool, `select id, event, event_text, user_id, anonymous_id, context_ip,
		uuid_ts = (select max(uuid_ts) from clevertap_prod._loads) from clevertap_prod.tracks order by id`)
	want := [][]any{
		{"a1", "app_launched", "App Launched", nil, "x1", nil, true},
		{"s1", "signed_up", "Signed Up", "u1", nil, "10.0.0.1", true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows of tracks (-want +got):\n%s", diff)
	}
	if kind := pgtest.Value[string](t, pool, `select relkind::text from pg_class where oid = 'clevertap_prod.tracks'::regclass`); kind != "r" {
		t.Errorf("tracks is of kind %q, want a table", kind)
	}
}
