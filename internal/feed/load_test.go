package feed_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/feed"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

func TestRequestsBecomeRows(t *testing.T) {
	t.Parallel()
	b, pool := broker(t, stream.Options{}), pgtest.Pool(t)
	c := intake(t, b)
	received := time.Date(2015, 12, 12, 19, 11, 1, 266e6, time.UTC)
	for _, r := range []ingest.Request{
		{Call: "track", Body: []byte(`{"messageId":"t","userId":"u","event":"Bought","properties":{"n":1},` +
			`"timestamp":"2015-12-12T19:11:01.152Z","sentAt":"2015-12-12T19:11:01.169Z"}`)},
		{Call: "identify", Body: []byte(`{"messageId":"i","userId":"u","traits":{"age":7}}`)},
		{Body: []byte(`{"batch":[` + call("b1", "Bought", `{"n":2}`) + `,{"type":"page","messageId":"p","userId":"u","name":"Home"},` +
			`{"type":"track","messageId":"bad","userId":"u","event":5}],"context":{"ip":"1.2.3.4"},"writeKey":"secret"}`)},
		{Call: "track", Body: []byte(`{"type":"alias","messageId":"a","userId":"u","previousId":"v"}`)},
		{Body: []byte(`{"batch":[{"messageId":"typeless","userId":"u","event":"Bought"}]}`)},
		// Two equal clicks are two; two equal ones with an id are one.
		{Call: "track", Body: []byte(`{"userId":"u","event":"Click"}`)},
		{Call: "track", Body: []byte(`{"userId":"u","event":"Click"}`)},
		{Body: []byte(call("same", "Click", `{}`))},
		{Body: []byte(call("same", "Click", `{}`))},
	} {
		r.Source, r.Received = nickname, received
		if err := c.Append(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
	w := work(t, options(b, pool, loader.Config{}))
	drained(t, b)
	equal(t, pool, `select id, n, to_char("timestamp" at time zone 'UTC', 'SS.MS'), to_char(received_at at time zone 'UTC', 'SS.MS'), context_ip
		from shop.bought order by id`, "b1 2 01.266 01.266 1.2.3.4", "t 1 01.249 01.266 <nil>")
	equal(t, pool, `select id, age from shop.identifies`, "i 7")
	equal(t, pool, `select id, name from shop.pages`, "p Home")
	equal(t, pool, `select id, previous_id from shop.aliases`, "a v")
	equal(t, pool, `select count(*), count(*) filter (where id like 'ln\_%'), count(*) filter (where id = 'same') from shop.click`, "3 2 1")
	equal(t, pool, `select reason, unit ~ '^stream TAPLINE_shop, frame [0-9]+$', line > 0, byte_offset > 20 from shop._quarantine order by 1`,
		"invalid_event true true true", "missing_type true true true")
	equal(t, pool, `select count(*) from shop._quarantine where raw::text like '%secret%'`, "0")
	equal(t, pool, `select distinct kind from shop._units`, "frame")
	w.stop()
	s := w.status()
	if s.Source != "" { // the line is gone with the worker
		t.Errorf("after its end the worker still has %+v", s)
	}
	if len(w.loads) == 0 || w.loads[0].Frames == 0 || w.loads[0].Report.Loaded == 0 || w.loads[0].Oldest.IsZero() || w.loads[0].Duration <= 0 {
		t.Errorf("reported loads %+v", w.loads)
	}
}

// What is quarantined keeps what only the door knew: a replay makes the row that there would have been.
func TestReplayedFromQuarantine(t *testing.T) {
	t.Parallel()
	b, pool := broker(t, stream.Options{}), pgtest.Pool(t)
	c := intake(t, b)
	post(t, c, call("first", "Seen", `{}`))
	w := work(t, options(b, pool, loader.Config{}))
	drained(t, b)
	w.stop()
	received := time.Date(2015, 12, 12, 19, 11, 1, 266e6, time.UTC)
	for range 2 {
		r := ingest.Request{Source: nickname, Received: received, Call: "track", Body: []byte(
			`{"userId":"u","event":"Unseen","timestamp":"2015-12-12T19:11:01.152Z","sentAt":"2015-12-12T19:11:01.169Z"}`)}
		if err := c.Append(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
	w = work(t, options(b, pool, loader.Config{Evolve: loader.Managed}))
	has(t, pool, 2, `select from shop._quarantine where reason = 'unknown_table'`)
	w.stop()
	l, err := loader.New(pool, loader.Config{Source: nickname})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Replay(t.Context(), loader.Selection{}); err != nil {
		t.Fatal(err)
	}
	equal(t, pool, `select to_char("timestamp" at time zone 'UTC', 'SS.MS'), to_char(received_at at time zone 'UTC', 'SS.MS') from shop.unseen`,
		"01.249 01.266", "01.249 01.266")
}

// A damaged frame goes to quarantine whole and holds up nobody; one of a later release waits for that, and says so.
func TestPoisonFrames(t *testing.T) {
	t.Parallel()
	b, pool := broker(t, stream.Options{}), pgtest.Pool(t)
	c := intake(t, b)
	if err := b.Publish(t.Context(), schemaName, "x", []byte(`{"type":"track","writeKey":"secret"}`)); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), schemaName, "y", []byte("TLF\x01is no frame of ours")); err != nil {
		t.Fatal(err)
	}
	post(t, c, call("good", "Seen", `{}`))
	w := work(t, options(b, pool, loader.Config{}))
	drained(t, b)
	equal(t, pool, `select id from shop.seen`, "good")
	equal(t, pool, `select reason, convert_from(raw, 'UTF8'), detail from shop._quarantine order by 2`,
		"invalid_json TLF\x01is no frame of ours a frame of the stream is damaged: its checksum is wrong",
		`invalid_json {"type":"track","writeKey":"***"} a frame of the stream is damaged: it is no frame of Tapline's`)
	if s := w.status(); s.State != feed.Running {
		t.Errorf("after damaged frames the source is %s: %s", s.State, s.Reason)
	}
	if err := b.Publish(t.Context(), schemaName, "z", []byte("TLF\x02 whatever comes in later releases")); err != nil {
		t.Fatal(err)
	}
	if reason := w.reached(feed.Paused); !strings.Contains(reason, "run a newer one") {
		t.Errorf("reason %q does not say what to do", reason)
	}
	for i := range 3 {
		post(t, c, call(fmt.Sprint("later", i), "Seen", `{}`))
		has(t, pool, int64(2+i), `select from shop.seen`)
	}
	equal(t, pool, `select count(*) from shop._quarantine`, "2")
	// Nothing but that frame stays in the stream, which would else fill up.
	eventually(t, func() error {
		info, _, err := b.Info(t.Context(), schemaName)
		if err != nil || info.Unloaded != 1 || info.Messages != 1 {
			return errors.Join(err, fmt.Errorf("the stream has %+v, want the later release's frame alone", info))
		}
		return nil
	})
}
