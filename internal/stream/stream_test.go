package stream_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/stream"
)

// take fetches n frames.
func take(t *testing.T, c *stream.Consumer, n int) (out []*stream.Frame) {
	t.Helper()
	eventually(t, func() error {
		got, err := c.Fetch(n-len(out), 1<<20, time.Second)
		if out = append(out, got...); len(out) < n {
			return errors.Join(fmt.Errorf("%d frames, want %d", len(out), n), err)
		}
		return nil
	})
	return out
}

func TestFrames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, stream.Options{Dir: dir, Listen: "127.0.0.1:0"})
	large := bytes.Repeat([]byte("x"), stream.MaxFrame)
	for i, frame := range [][]byte{[]byte("first"), large, []byte("third"), []byte("third")} {
		if err := b.Publish(t.Context(), "shop", fmt.Sprint(min(i, 2)), frame); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Publish(t.Context(), "other", "0", []byte("other")); err != nil {
		t.Fatal(err)
	}
	if c, err := b.Consumer(t.Context(), "none"); c != nil || err != nil {
		t.Errorf("consumer of no stream: %v, %v", c, err)
	}
	if got, err := b.Schemas(t.Context()); err != nil || strings.Join(got, " ") != "other shop" {
		t.Errorf("streams of %v, %v", got, err)
	}
	// A process of its own, which needs the token, takes them.
	if _, err := stream.Open(t.Context(), stream.Options{URLs: []string{b.URL()}, ReadOnly: true}); err == nil {
		t.Error("somebody without the token has signed in")
	}
	worker := open(t, stream.Options{URLs: []string{b.URL()}, TokenFile: stream.TokenPath(dir), ReadOnly: true})
	c, err := worker.Consumer(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	frames := take(t, c, 3)
	if string(frames[0].Data) != "first" || !bytes.Equal(frames[1].Data, large) || string(frames[2].Data) != "third" {
		t.Error("other frames came than were published")
	}
	if frames[0].Key == frames[1].Key || !strings.HasSuffix(frames[0].Key, ":1") || frames[0].Name != "stream TAPLINE_shop, frame 1" {
		t.Errorf("keys %s, %s; name %s", frames[0].Key, frames[1].Key, frames[0].Name)
	}
	info, ok, err := b.Info(t.Context(), "shop")
	if err != nil || !ok || info.Unloaded != 3 || info.InHand != 3 || info.Messages != 3 || info.Oldest.IsZero() || info.Bytes < stream.MaxFrame {
		t.Errorf("stands at %+v, %v, %v", info, ok, err)
	}
	// Only what is acknowledged without a gap is purged.
	for _, f := range []*stream.Frame{frames[0], frames[2]} {
		if err := f.AckSync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := c.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, _, _ := b.Info(t.Context(), "shop"); info.Messages != 2 || info.Unloaded != 1 || info.Floor != 1 {
		t.Errorf("stands at %+v", info)
	}
	if err := frames[1].GiveBack(0); err != nil {
		t.Fatal(err)
	}
	if again := take(t, c, 1)[0]; again.Key != frames[1].Key {
		t.Errorf("%s came again, want %s", again.Key, frames[1].Key)
	} else if err := again.AckSync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, _, _ := b.Info(t.Context(), "shop"); info.Messages != 0 || info.Unloaded != 0 || !info.Oldest.IsZero() {
		t.Errorf("stands at %+v", info)
	}
}

func TestFullStream(t *testing.T) {
	t.Parallel()
	b := open(t, stream.Options{MaxBytes: 2 * stream.MaxFrame})
	frame := make([]byte, stream.MaxFrame/2)
	taken := 0
	var err error
	for err == nil {
		if err = b.Publish(t.Context(), "shop", fmt.Sprint(taken), frame); err == nil {
			taken++
		}
	}
	if !errors.Is(err, stream.ErrFull) || taken < 2 {
		t.Fatalf("after %d frames: %v", taken, err)
	}
	if err := b.Publish(t.Context(), "other", "1", frame); err != nil {
		t.Errorf("another source's stream: %v", err)
	}
	c, err := b.Consumer(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range take(t, c, taken) {
		if err := f.AckSync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := c.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), "shop", "again", frame); err != nil {
		t.Errorf("after what was loaded is purged: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	b := open(t, stream.Options{MinFree: 1 << 60})
	for _, err := range []error{b.Ready(), b.Publish(t.Context(), "shop", "1", nil)} {
		if !errors.Is(err, stream.ErrFull) || !strings.Contains(err.Error(), "make room") {
			t.Errorf("error %v", err)
		}
	}
}

// What the embedded server has acknowledged is there after it is started again, here or in the next process, and its folder
// is one process's at a time.
func TestStartedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, stream.Options{Dir: dir, AckTimeout: 2 * time.Second})
	eventually(t, func() error { return b.Publish(t.Context(), "shop", "1", []byte("first")) })
	if _, err := stream.Open(t.Context(), stream.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another process uses it") {
		t.Errorf("the folder was opened twice: %v", err)
	}
	if info, err := os.Stat(stream.TokenPath(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("token %v, %v", info, err)
	}
	if err := b.Fail(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return b.Publish(t.Context(), "shop", "2", []byte("second")) })
	c, err := b.Consumer(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if got := take(t, c, 2); string(got[0].Data) != "first" || string(got[1].Data) != "second" {
		t.Errorf("got %s, %s", got[0].Data, got[1].Data)
	}
}

// A stream that was removed and made again is another one: its frames have other keys.
func TestRemovedStream(t *testing.T) {
	t.Parallel()
	b, js := external(t)
	key := func() string {
		if err := b.Publish(t.Context(), "shop", fmt.Sprint(time.Now().UnixNano()), []byte("x")); err != nil {
			t.Fatal(err)
		}
		c, err := b.Consumer(t.Context(), "shop")
		if err != nil || c == nil {
			t.Fatal(c, err)
		}
		return take(t, c, 1)[0].Key
	}
	first := key()
	c, err := b.Consumer(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	keep(t, js)
	if err := js.DeleteStream(t.Context(), "TAPLINE_shop"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Purge(t.Context()); !errors.Is(err, stream.ErrGone) {
		t.Errorf("purge of a stream that was removed: %v", err)
	}
	if second := key(); second == first {
		t.Errorf("a frame of another stream has the key %s too", first)
	}
}
