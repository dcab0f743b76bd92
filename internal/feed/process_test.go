package feed_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/feed"
	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
	"github.com/tapline/tapline/loader"
)

// processes are what the test binary does as a process of a test. They run until they are killed, or their input ends.
var processes = map[string]func() error{"append": appendForEver, "work": workForEver}

// process is one of them.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}
	log  bytes.Buffer

	mu    sync.Mutex
	lines []string
}

// start starts a process. It ends with the test at the latest, however that ends.
func start(t *testing.T, mode string, env ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0]), done: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "FEED_TEST_PROCESS="+mode), env...)
	p.cmd.Stderr = &p.log
	in, err := p.cmd.StdinPipe() // the kernel closes it with this process
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, lines.Text())
			p.mu.Unlock()
		}
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = in.Close()
		p.kill()
		if t.Failed() {
			t.Logf("log of %s:\n%s", mode, p.log.String())
		}
	})
	return p
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// output are the whole lines that the process has written.
func (p *process) output() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

// wrote waits until the process has written so many lines.
func (p *process) wrote(n int) {
	p.t.Helper()
	eventually(p.t, func() error {
		if got := len(p.output()); got < n {
			select {
			case <-p.done:
				p.t.Fatalf("the process has ended:\n%s", p.log.String())
			default:
			}
			return fmt.Errorf("%d lines, want %d", got, n)
		}
		return nil
	})
}

// untilInputEnds is a context that ends with the standard input.
func untilInputEnds() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString(0)
		cancel()
	}()
	return ctx, cancel
}

// opened is what both processes need: streams in DIR, or those of the server at URL, and Postgres at DSN.
func opened(ctx context.Context) (*stream.Broker, *pgxpool.Pool, error) {
	o := stream.Options{Dir: os.Getenv("DIR"), MinFree: 1, AckTimeout: time.Minute, AckWait: time.Second}
	if url := os.Getenv("URL"); url != "" {
		o = stream.Options{URLs: []string{url}, TokenFile: os.Getenv("TOKEN"), ReadOnly: true, AckWait: time.Second}
	}
	b, err := stream.Open(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	pool, err := pgxpool.New(ctx, os.Getenv("DSN"))
	return b, pool, err
}

// run runs a worker until ctx ends.
func run(ctx context.Context, b *stream.Broker, pool *pgxpool.Pool) error {
	w, err := feed.New(options(b, pool, loader.Config{}))
	if err != nil {
		return err
	}
	return w.Run(ctx)
}

func workForEver() error {
	ctx, cancel := untilInputEnds()
	defer cancel()
	b, pool, err := opened(ctx)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return run(ctx, b, pool)
}

// appendForEver appends batches from many goroutines, loads them at the same time, and writes a line for each batch that was
// taken. A bad event is in each of them.
func appendForEver() error {
	ctx, cancel := untilInputEnds()
	defer cancel()
	b, pool, err := opened(ctx)
	if err != nil {
		return err
	}
	c, err := ingest.NewCollector(ingest.CollectorOptions{Broker: b})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	for s := range 8 {
		go func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%s-%d-%d", os.Getenv("NAME"), s, n)
				if c.Append(ctx, &ingest.Request{Source: nickname, Received: time.Now(), Body: batch(id)}) == nil {
					mu.Lock()
					fmt.Println(id)
					mu.Unlock()
				}
			}
		}()
	}
	return run(ctx, b, pool)
}

// batchEvents is how many events a batch has, one of them bad.
const batchEvents = 10

func batch(id string) []byte {
	events := make([]string, batchEvents)
	for i := range events {
		events[i] = call(fmt.Sprintf("%s-%d", id, i), "Seen", fmt.Sprintf(`{"n":%d,"text":%q}`, i, strings.Repeat("x", 300)))
	}
	events[3] = fmt.Sprintf(`{"type":"track","messageId":"%s-3","userId":"u","event":3}`, id)
	return []byte(`{"batch":[` + strings.Join(events, ",") + `]}`)
}
