package gateway_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tapline/tapline/internal/gateway"
	"github.com/tapline/tapline/internal/source/ingest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long anything may take before a test gives up.
const patience = time.Minute

// intake records what it takes.
type intake struct {
	before func(context.Context, *ingest.Request) error // of each request; may be nil

	mu       sync.Mutex
	requests []ingest.Request
	notReady error
}

func (i *intake) Append(ctx context.Context, r *ingest.Request) error {
	if i.before != nil {
		if err := i.before(ctx, r); err != nil {
			return err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	kept := *r
	kept.Body = bytes.Clone(r.Body)
	i.requests = append(i.requests, kept)
	return nil
}

func (i *intake) Ready() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.notReady
}

func (i *intake) setReady(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.notReady = err
}

// taken returns what was taken, and forgets it.
func (i *intake) taken() []ingest.Request {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := i.requests
	i.requests = nil
	return all
}

// keys are the write keys of a test.
type keys map[string]gateway.Source

func (k keys) Lookup(hash gateway.KeyHash) (gateway.Source, error) {
	for key, s := range k {
		if gateway.HashKey([]byte(key)) == hash {
			return s, nil
		}
	}
	return gateway.Source{}, gateway.ErrUnknownKey
}

func (keys) Ready() error { return nil }

const goodKey = "wk_good_0123456789"

func someKeys() keys {
	return keys{
		goodKey:    {Nickname: "CleverTap_Prod", Region: "eu"},
		"wk_any":   {Nickname: "Anywhere"},
		"wk_off":   {Nickname: "Off", Region: "eu", Disabled: true},
		"wk_us":    {Nickname: "Abroad", Region: "us"},
		"wk:colon": {Nickname: "Colon"},
	}
}

// door is a server that is up for one test.
type door struct {
	url     string
	addr    string
	handler *gateway.Handler
	intake  *intake
	client  *http.Client
	stop    func() error
}

// open serves with cfg, whose Intake and Keys have defaults.
func open(t testing.TB, cfg gateway.Config, opt gateway.ServeOptions) *door {
	t.Helper()
	d := &door{}
	if cfg.Intake == nil {
		cfg.Intake = &intake{}
	}
	d.intake, _ = cfg.Intake.(*intake)
	if cfg.Keys == nil {
		cfg.Keys = someKeys()
	}
	if cfg.Region == "" {
		cfg.Region = "eu"
	}
	var err error
	if d.handler, err = gateway.New(cfg); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- gateway.Serve(ctx, ln, d.handler, opt) }()
	d.addr, d.url = ln.Addr().String(), "http://"+ln.Addr().String()
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	d.client = &http.Client{Transport: transport, Timeout: patience}
	d.stop = sync.OnceValue(func() error {
		transport.CloseIdleConnections()
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return d
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
}

// code returns the code of a refusal.
func (r reply) code() string {
	var a struct {
		Success *bool  `json:"success"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal([]byte(r.body), &a); err != nil || a.Success == nil || *a.Success || a.Message == "" {
		return "not a refusal: " + r.body
	}
	return a.Code
}

// do sends a request; header is pairs of names and values.
func (d *door) do(t testing.TB, method, path string, body io.Reader, header ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	res, err := d.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// post sends a body with the good key.
func (d *door) post(t testing.TB, path, body string, header ...string) reply {
	t.Helper()
	return d.do(t, http.MethodPost, path, bytes.NewReader([]byte(body)), append([]string{"Authorization", basic(goodKey)}, header...)...)
}

func basic(key string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":")) }

// zip compresses each part as a gzip member of its own.
func zip(t testing.TB, parts ...string) string {
	t.Helper()
	var out bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&out)
		if _, err := io.WriteString(w, p); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// until waits for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}
