package stream_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tapline/tapline/internal/stream"
)

// A disk that is really full, one of the test's own: nothing that was acknowledged is lost, and as soon as there is room again
// frames are taken and loaded, of each stream, without anybody's help.
func TestDiskWithoutRoom(t *testing.T) {
	t.Parallel()
	// In a namespace of its own a process may mount what ends with it.
	alone := []string{"unshare", "--map-root-user", "--mount"}
	if out, err := exec.Command(alone[0], append(alone[1:], "true")...).CombinedOutput(); err != nil {
		t.Logf("this machine lets nobody mount, so there is no disk to fill: %v: %s", err, out)
		return
	}
	if got := start(t, "disk", alone, "DIR="+t.TempDir()); got != "sound" {
		t.Error(got)
	}
}

const (
	diskSize  = 24 << 20
	diskFrame = 100 << 10
)

func init() { processes["disk"] = fullDisk }

// fullDisk is the process of the test: it prints that all is sound, or ends with an error.
func fullDisk() error {
	dir := os.Getenv("DIR")
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize)); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, diskSize/3), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	b, err := stream.Open(ctx, stream.Options{Dir: filepath.Join(dir, "stream"), MinFree: 1, AckTimeout: time.Second})
	if err != nil {
		return err
	}
	p := &publisher{b: b, taken: map[string]int{}}
	if err := p.publish(ctx, "quiet"); err != nil { // it has nothing to write while the disk is full
		return err
	}
	if err := p.fill(ctx, "shop", "other"); err != nil {
		return err
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := p.recovers(ctx, "quiet", "shop", "other"); err != nil {
		return err
	}
	for _, schema := range []string{"quiet", "shop", "other"} {
		if err := p.load(ctx, schema); err != nil {
			return err
		}
	}
	if err := b.Close(); err != nil {
		return err
	}
	fmt.Println("sound")
	return nil
}

// publisher publishes frames that name themselves.
type publisher struct {
	b *stream.Broker

	mu    sync.Mutex
	n     int
	taken map[string]int // how many frames of each schema were acknowledged
	ids   []string       // those
}

func (p *publisher) publish(ctx context.Context, schema string) error {
	p.mu.Lock()
	p.n++
	id := fmt.Sprintf("%s-%d", schema, p.n)
	p.mu.Unlock()
	frame := make([]byte, diskFrame)
	copy(frame, id)
	if err := p.b.Publish(ctx, schema, id, frame); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken[schema]++
	p.ids = append(p.ids, id)
	return nil
}

// fill publishes into each stream until it takes nothing more.
func (p *publisher) fill(ctx context.Context, schemas ...string) error {
	var busy sync.WaitGroup
	errs := make([]error, len(schemas))
	for i, schema := range schemas {
		busy.Go(func() {
			for errs[i] == nil {
				errs[i] = p.publish(ctx, schema)
			}
		})
	}
	busy.Wait()
	for i, err := range errs {
		if !errors.Is(err, stream.ErrFull) && !errors.Is(err, stream.ErrUnavailable) || p.taken[schemas[i]] < 10 {
			return fmt.Errorf("after %d frames the full disk's error is %w", p.taken[schemas[i]], err)
		}
	}
	return nil
}

// recovers publishes into the first stream again and again, and one frame into each of the others as soon as it is taken.
func (p *publisher) recovers(ctx context.Context, busy string, others ...string) error {
	for _, schema := range others {
		for {
			_ = p.publish(ctx, busy) // while the server is started again it takes nothing
			last := p.publish(ctx, schema)
			if last == nil {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("stream %s takes nothing: %w", schema, last)
			}
		}
	}
	return nil
}

// load takes all frames of a stream, of which none may be missing that was acknowledged, and removes them.
func (p *publisher) load(ctx context.Context, schema string) error {
	missing := map[string]bool{}
	for _, id := range p.ids {
		if strings.HasPrefix(id, schema+"-") {
			missing[id] = true
		}
	}
	c, err := p.b.Consumer(ctx, schema)
	if err != nil {
		return err
	}
	for len(missing) > 0 {
		frames, err := c.Fetch(100, 1<<20, time.Second)
		if err != nil || ctx.Err() != nil {
			return fmt.Errorf("%d of %d frames of %s are missing: %w", len(missing), p.taken[schema], schema, errors.Join(err, ctx.Err()))
		}
		for _, f := range frames {
			id, _, _ := strings.Cut(string(f.Data), "\x00")
			delete(missing, id)
			if err := f.AckSync(ctx); err != nil {
				return err
			}
		}
	}
	if _, _, err := c.Purge(ctx); err != nil {
		return err
	}
	return nil
}
