package ingest_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/schema"
)

// event is what the tests look at.
type event struct {
	id, name     string
	call         schema.Call
	reason       schema.Reason
	raw          string
	line, offset int64
	received     schema.Micros
	form         string
}

// events reads a unit.
func events(t testing.TB, u source.Unit, paths *schema.Paths) (out []event) {
	t.Helper()
	r, err := u.Open(t.Context(), paths)
	if err != nil {
		t.Fatal(err)
	}
	var ev schema.Event
	for {
		err := r.Next(&ev)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		form, err := r.(source.Former).Form()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, event{
			string(ev.ID), string(ev.Name), ev.Call, ev.Reason, string(ev.Raw), ev.Line, ev.Offset, ev.ReceivedAt, string(form),
		})
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// unit is that of a frame with this content.
func unit(data []byte) *ingest.Unit {
	return ingest.NewUnit(&stream.Frame{Data: data, Key: "frame:S:1:2", Name: "stream S, frame 2"}, true)
}

func TestUnit(t *testing.T) {
	t.Parallel()
	at := time.UnixMicro(1_700_000_000_123_456)
	data := ingest.Frame("Shop",
		&ingest.Request{Received: at, Call: "track", Body: []byte(`{"messageId":"1","userId":"u","event":"A"}`)},
		&ingest.Request{Received: at, Call: "track", Body: []byte(`{"type":"page","messageId":"2","userId":"u"}`)},
		&ingest.Request{Received: at.Add(time.Second), Body: []byte("{\n\"batch\": [\n" + track("3") + ",\r\n" + track("4") + "]}\n")},
		&ingest.Request{Received: at, Body: []byte(`{"batch":[]}`)},
		&ingest.Request{Received: at, Call: "track", Body: []byte(`{"userId":"u","event":"A"}`)},
		&ingest.Request{Received: at, Call: "track", Body: []byte(`{"userId":"u","event":"A"}`)},
		&ingest.Request{Received: at, Call: "track", Body: []byte(`{"userId":"u"}`)},
	)
	u := unit(data)
	if u.Kind() != source.KindFrame || u.Name() != "stream S, frame 2" || u.Size() != int64(len(data)) || !u.More() ||
		!strings.HasPrefix(u.Key(), "frame:S:1:2:") {
		t.Errorf("unit %s %s %s %d", u.Kind(), u.Key(), u.Name(), u.Size())
	}
	got := events(t, u, schema.NewPaths(0))
	if len(got) != 7 {
		t.Fatalf("%d records, want 7: %+v", len(got), got)
	}
	for i, want := range []struct {
		id     string
		call   schema.Call
		line   int64
		reason schema.Reason
	}{
		{"1", schema.Track, 1, ""},
		{"2", schema.Page, 2, ""},
		{"3", schema.Track, 3, ""},
		{"4", schema.Track, 3, ""},
		{got[4].id, schema.Track, 5, ""},
		{got[5].id, schema.Track, 6, ""},
		{"", schema.Track, 7, schema.MissingEvent},
	} {
		if g := got[i]; g.id != want.id || g.call != want.call || g.line != want.line || g.reason != want.reason {
			t.Errorf("record %d is %+v, want %+v", i, g, want)
		}
		if string(data[got[i].offset:got[i].offset+1]) != "{" {
			t.Errorf("record %d: its body is not at byte %d", i, got[i].offset)
		}
	}
	if want := schema.Micros(at.Add(time.Second).UnixMicro()); got[2].received != want {
		t.Errorf("received at %d, want %d", got[2].received, want)
	}
	if !strings.HasPrefix(got[4].id, "ln_") || got[4].id == got[5].id {
		t.Errorf("ids of twins %s and %s", got[4].id, got[5].id)
	}
	if got[6].form != `{"kind":"segment","arrived":1700000000123456,"call":1}` {
		t.Errorf("form %s", got[6].form)
	}
	if again := events(t, u, schema.NewPaths(0)); !slices.Equal(got, again) {
		t.Errorf("read again: %+v, then %+v", got, again)
	}
	other := events(t, unit(ingest.Frame("Shop", &ingest.Request{Received: at, Call: "track", Body: []byte(`{"userId":"u","event":"A"}`)})), schema.NewPaths(0))
	if other[0].id == got[4].id || other[0].id == got[5].id {
		t.Error("an equal request without an id, in another frame, has the same id")
	}
}

// Whatever byte of a frame is damaged: it is one record for quarantine, whole.
func TestDamagedFrames(t *testing.T) {
	t.Parallel()
	good := ingest.Frame("Shop", request(track("1")), request(track("2")))
	var damaged [][]byte
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		damaged = append(damaged, bad, good[:i])
	}
	damaged = append(damaged, append(bytes.Clone(good), 0), nil)
	for _, bad := range damaged {
		if len(bad) > 3 && bytes.HasPrefix(bad, []byte("TLF")) && bad[3] > 1 {
			continue // of a later release
		}
		got := events(t, unit(bad), schema.NewPaths(0))
		if len(bad) == 0 {
			continue
		}
		if len(got) != 1 || got[0].reason != schema.InvalidJSON || got[0].raw != string(bad) {
			t.Fatalf("%q gives %+v", bad, got)
		}
	}
	good[3]++
	if _, err := unit(good).Open(t.Context(), schema.NewPaths(0)); err == nil || !strings.Contains(err.Error(), "run a newer one") {
		t.Errorf("a frame of a later release: %v", err)
	}
}

// FuzzFrame reads frames whose checksum is right, whatever they hold.
func FuzzFrame(f *testing.F) {
	good := ingest.Frame("Shop", request(track("1")), request(`{"batch":[`+track("2")+`]}`))
	f.Add(good[8:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		data := append([]byte("TLF\x01\x00\x00\x00\x00"), content...)
		binary.BigEndian.PutUint32(data[4:], crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)))
		u := unit(data)
		first, second := events(t, u, schema.NewPaths(0)), events(t, u, schema.NewPaths(0))
		if !slices.Equal(first, second) {
			t.Errorf("read twice: %+v, then %+v", first, second)
		}
	})
}
