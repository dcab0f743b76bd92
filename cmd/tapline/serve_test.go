package main

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// TestServe is what a newcomer does: one command, events in, rows out; and then what a person who looks after it does.
func TestServe(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	dsn, data := server.DSN(localpg.Database), folder(t)
	env := []string{"DATABASE_URL=" + dsn}
	tapline := func(code int, args ...string) string {
		t.Helper()
		got, stdout, stderr := run(t, "", "tapline", env, args...)
		if got != code {
			t.Fatalf("%v: exit code %d: %s%s", args, got, stdout, stderr)
		}
		return stdout + stderr
	}
	// Without a key nobody could send anything.
	text := tapline(64, "serve", "--data-dir", data)
	for _, say := range []string{"no source has one", "serve --source CleverTap_Prod", "source keys create"} {
		if !strings.Contains(text, say) {
			t.Errorf("without a key: %q is not in: %s", say, text)
		}
	}
	s := launch(t, env, "serve", "--source", "Web", "--data-dir", data, "--load-every", "100ms")
	key := s.NewKey.WriteKey
	if key == "" {
		t.Fatalf("no key in %s", s.out.String())
	}
	s.send(key, "/v1/track", `{"messageId":"one","event":"Purchase Made","userId":"u1","properties":{"amount":5}}`)
	s.send(key, "/v1/batch", batch("b", 100))
	s.send(key, "/v1/batch", `{"batch":[{"type":"track","event":"Purchase Made"},{"type":"identify","messageId":"i","userId":"u1","traits":{"plan":"gold"}}]}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/import", gzipped(t, batch("z", 50)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Encoding", "gzip")
	if status, answer := do(t, http.DefaultClient, req); status != http.StatusOK || answer != taken {
		t.Errorf("gzip: %d %s", status, answer)
	}
	rows(t, dsn, "web.purchase_made", 151)
	rows(t, dsn, "web.identifies", 1)
	rows(t, dsn, "web._quarantine", 1)
	if status, answer := s.post("no-such-key-0123456789", "/v1/track", "{}"); status != http.StatusUnauthorized {
		t.Errorf("an unknown key: %d %s", status, answer)
	}
	if status, answer := s.post(key, "/v1/track", "{"); status != http.StatusBadRequest || !strings.Contains(answer, "invalid_json") {
		t.Errorf("half a body: %d %s", status, answer)
	}
	tapline(0, "source", "disable", "Web")
	until(t, "the disabled source is refused", func() bool {
		status, _ := s.post(key, "/v1/batch", batch("b", 1))
		return status == http.StatusForbidden
	})
	tapline(0, "source", "enable", "Web")
	// A second key, while it runs; then the first is refused.
	var second struct {
		WriteKey string `json:"write_key"`
	}
	if err := json.Unmarshal([]byte(tapline(0, "source", "keys", "create", "Web", "--json")), &second); err != nil {
		t.Fatal(err)
	}
	until(t, "the second key works", func() bool {
		status, _ := s.post(second.WriteKey, "/v1/batch", batch("b", 1))
		return status == http.StatusOK
	})
	tapline(0, "source", "keys", "revoke", "Web", key[:9])
	until(t, "the first key is refused", func() bool {
		status, _ := s.post(key, "/v1/batch", batch("b", 1))
		return status == http.StatusUnauthorized
	})
	wantMetrics(t, s)
	for _, secret := range []string{key, second.WriteKey} {
		if strings.Contains(s.log.String(), secret[10:]) {
			t.Error("a key is in the log")
		}
	}
	s.stop()
	if text := tapline(0, "source", "keys", "list", "Web"); !strings.Contains(text, "just now") {
		t.Errorf("when keys were used is not noted: %s", text)
	}
}

func gzipped(t *testing.T, text string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// wantMetrics looks whether the admin listener tells what has happened.
func wantMetrics(t *testing.T, s *serving) {
	t.Helper()
	for line, want := range map[string]string{
		`tapline_events_total{outcome="loaded",reason="",source="Web"}`:                     "152",
		`tapline_events_total{outcome="quarantined",reason="no_user_anon_id",source="Web"}`: "1",
		`tapline_source_state{source="Web",state="running"}`:                                "1",
		`tapline_stream_unloaded_messages{source="Web"}`:                                    "0",
		`tapline_ready`: "1",
	} {
		until(t, line+" is "+want, func() bool { return s.metric(line) == want })
	}
	_, text := s.get("/metrics")
	for _, name := range []string{
		`tapline_http_requests_total{endpoint="batch",status="200"}`, `tapline_http_requests_total{endpoint="track",status="401"}`,
		`tapline_table_freshness_seconds{source="Web",table="purchase_made"}`, `tapline_load_duration_seconds_count{source="Web"}`,
		`tapline_stream_bytes{source="Web"}`, `tapline_stream_oldest_unloaded_seconds{source="Web"}`, `tapline_pool_connections{state="max"}`,
		`process_resident_memory_bytes`,
	} {
		if !strings.Contains(text, name) {
			t.Errorf("no metric %s", name)
		}
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/debug/pprof/": 404} {
		if status, answer := s.get(path); status != want {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
}

// TestServeStops: SIGTERM turns readiness off, the request that is under way is answered, what was answered is loaded by
// the next start, once; and a second signal ends it at once.
func TestServeStops(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	dsn, data := server.DSN(localpg.Database), folder(t)
	env := []string{"DATABASE_URL=" + dsn}
	s := launch(t, env, "serve", "--source", "Web", "--data-dir", data, "--load-every", "1h")
	key := s.NewKey.WriteKey
	s.send(key, "/v1/batch", batch("a", 10))
	slow := func(s *serving, prefix string) (finish func(), status chan string) {
		body, rest := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/batch", body)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(key, "")
		status = make(chan string, 1)
		go func() {
			res, err := patient.Do(req)
			if err != nil {
				status <- err.Error()
				return
			}
			defer res.Body.Close()
			status <- res.Status
		}()
		text := batch(prefix, 5)
		if _, err := io.WriteString(rest, text[:20]); err != nil {
			t.Fatal(err)
		}
		until(t, "the request is under way", func() bool { return s.metric("tapline_http_in_flight_requests") == "1" })
		return func() {
			_, _ = io.WriteString(rest, text[20:]) // it may have been cut
			_ = rest.Close()
		}, status
	}
	finish, status := slow(s, "s")
	s.signal(syscall.SIGTERM)
	until(t, "readiness is off", func() bool { code, _ := s.get("/readyz"); return code == http.StatusServiceUnavailable })
	finish()
	if got := <-status; got != "200 OK" {
		t.Errorf("the request that was under way: %s", got)
	}
	s.wait(0)

	s = launch(t, env, "serve", "--data-dir", data, "--load-every", "100ms")
	rows(t, dsn, "web.purchase_made", 15)
	finish, status = slow(s, "t")
	s.signal(syscall.SIGTERM)
	until(t, "readiness is off", func() bool { code, _ := s.get("/readyz"); return code == http.StatusServiceUnavailable })
	until(t, "the second signal is heard", func() bool {
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // the first one may be the second's cause to be missed, for a moment
		return s.ended()
	})
	if state := s.cmd.ProcessState; state.Exited() && state.ExitCode() == 0 {
		t.Errorf("the second signal: %v", state)
	}
	finish()
	if got := <-status; got == "200 OK" {
		t.Error("a request was answered after the end")
	}
}

// TestServeWithoutPostgres: events are taken while Postgres is away, also by a process that is started then, and every
// one is in its table once it is back.
func TestServeWithoutPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	dsn, data := server.DSN(localpg.Database), folder(t)
	env := []string{"DATABASE_URL=" + dsn}
	args := []string{"serve", "--source", "Web", "--data-dir", data, "--load-every", "100ms"}
	s := launch(t, env, args...)
	key := s.NewKey.WriteKey
	s.send(key, "/v1/batch", batch("a", 10))
	rows(t, dsn, "web.purchase_made", 10)
	if err := server.Stop(t.Context(), localpg.Immediate); err != nil {
		t.Fatal(err)
	}
	s.send(key, "/v1/batch", batch("b", 10))
	until(t, "loading waits", func() bool { return s.metric(`tapline_source_state{source="Web",state="retrying"}`) == "1" })
	s.signal(syscall.SIGKILL)
	until(t, "the process ends", s.ended)

	// Another data folder knows no keys.
	lost := begin(t, env, "serve", "--data-dir", folder(t))
	lost.wait(1)
	if text := lost.out.String(); !strings.Contains(text, "connect to the Postgres of DATABASE_URL") {
		t.Errorf("without keys: %s", text)
	}
	s = launch(t, env, args...)
	s.send(key, "/v1/batch", batch("c", 10))
	s.send(key, "/v1/batch", batch("b", 10)) // a client that is not sure
	if status, answer := s.post("may-be-a-new-key-0123", "/v1/batch", batch("d", 1)); status != http.StatusServiceUnavailable {
		t.Errorf("a key that may be new: %d %s", status, answer)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows(t, dsn, "web.purchase_made", 30)
	until(t, "an unknown key is refused for good", func() bool {
		status, _ := s.post("may-be-a-new-key-0123", "/v1/batch", batch("d", 1))
		return status == 401
	})
	s.stop()
}

// TestServeRightLost: a right that is missing puts nothing into quarantine. Loading waits, says so, and goes on when the
// right is back.
func TestServeRightLost(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	dsn := server.DSN(localpg.Database)
	pool := pgtest.PoolAt(t, dsn)
	pgtest.Exec(t, pool, "create role app login")
	pgtest.Exec(t, pool, "grant create on database "+localpg.Database+" to app")
	env := []string{"DATABASE_URL=" + dsn + "&options=-c%20role%3Dapp"}
	s := launch(t, env, "serve", "--source", "Web", "--data-dir", folder(t), "--load-every", "100ms")
	key := s.NewKey.WriteKey
	s.send(key, "/v1/batch", batch("a", 10))
	rows(t, dsn, "web.purchase_made", 10)
	pgtest.Exec(t, pool, "revoke insert on web.purchase_made from app")
	s.send(key, "/v1/batch", batch("b", 10))
	status := func() string {
		_, stdout, stderr := run(t, "", "tapline", []string{"DATABASE_URL=" + dsn}, "status", "--source", "Web")
		return stdout + stderr
	}
	until(t, "status says that the source is paused", func() bool { return strings.Contains(status(), "what arrives over HTTP waits since") })
	if text := status(); !strings.Contains(text, "permission denied for table purchase_made") && !strings.Contains(text, "42501") {
		t.Errorf("status: %s", text)
	}
	if n := pgtest.Value[int64](t, pool, "select count(*) from web._quarantine"); n > 0 {
		t.Errorf("%d events in quarantine", n)
	}
	pgtest.Exec(t, pool, "grant insert on web.purchase_made to app")
	rows(t, dsn, "web.purchase_made", 20)
	until(t, "status says that it goes on", func() bool { return !strings.Contains(status(), "waits since") })
	s.stop()
}

// TestServeSecond: two processes cannot have one folder; a worker shares the stream of a serve, and nothing is loaded
// twice.
func TestServeSecond(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	dsn, data := server.DSN(localpg.Database), folder(t)
	env := []string{"DATABASE_URL=" + dsn}
	s := launch(t, env, "serve", "--source", "Web", "--data-dir", data, "--load-every", "100ms", "--nats-listen", "127.0.0.1:0")
	second := begin(t, env, "serve", "--data-dir", data)
	second.wait(1)
	if text := second.out.String(); !strings.Contains(text, "another process uses it") {
		t.Errorf("a second process in the folder: %s", text)
	}
	code, stdout, stderr := run(t, "", "tapline", env, "worker")
	if code != 64 || !strings.Contains(stderr, "name them with --nats") {
		t.Errorf("a worker without a stream: %d %s%s", code, stdout, stderr)
	}
	worker := launch(t, env, "worker", "--nats", s.Stream, "--nats-token-file", filepath.Join(data, "stream", "token"), "--load-every", "100ms")
	sent := int64(0)
	for worker.metric(`tapline_frames_total{source="Web"}`) == "" {
		s.send(s.NewKey.WriteKey, "/v1/batch", batch(fmt.Sprintf("n%d-", sent), 20))
		sent += 20
		if sent > 100_000 {
			t.Fatal("the worker gets nothing")
		}
	}
	rows(t, dsn, "web.purchase_made", sent)
	worker.stop()
	s.send(s.NewKey.WriteKey, "/v1/batch", batch("last", 20))
	rows(t, dsn, "web.purchase_made", sent+20)
	s.stop()
}

// TestServeDeclared: sources, regions and keys of a configuration file; a file that contradicts the database is refused.
func TestServeDeclared(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	dsn, dir := server.DSN(localpg.Database), t.TempDir()
	file := filepath.Join(dir, "tapline.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const web, shop = "the-key-of-the-web-site", "the-key-of-the-shop"
	env := []string{"DATABASE_URL=" + dsn, "WEB_KEY=" + web, "SHOP_KEY=" + shop}
	serve := []string{"serve", "--config", file}
	write(`
data_dir: data
serve: {region: eu, load_every: 100ms}
sources:
  Web:
    region: eu
    write_keys: ['env:WEB_KEY']
    exclude: ['*.amount']
  Shop:
    schema: shop_events
    region: us
    write_keys: ['env:SHOP_KEY']
`)
	s := launch(t, env, serve...)
	s.send(web, "/v1/batch", batch("a", 10))
	rows(t, dsn, "web.purchase_made", 10)
	pool := pgtest.PoolAt(t, dsn)
	if n := pgtest.Value[int64](t, pool, "select count(*) from information_schema.columns where table_schema = 'web' and column_name = 'amount'"); n > 0 {
		t.Error("a property that the file excludes is there")
	}
	if status, answer := s.post(shop, "/v1/batch", batch("a", 1)); status != http.StatusForbidden || !strings.Contains(answer, "wrong_region") {
		t.Errorf("a source of another region: %d %s", status, answer)
	}
	s.stop()
	write("data_dir: data\nsources: {Web: {region: us}}")
	conflict := begin(t, env, serve...)
	conflict.wait(64)
	if text := conflict.out.String(); !strings.Contains(text, "its region is eu, not us") {
		t.Errorf("another region in the file: %s", text)
	}
}

// TestServeTLS: events over TLS, and profiles for those who ask for them.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	dsn, dir := server.DSN(localpg.Database), t.TempDir()
	cert, key, roots := certificate(t, dir)
	s := launch(t, []string{"DATABASE_URL=" + dsn}, "serve", "-s", "Web", "--data-dir", filepath.Join(dir, "data"), "--load-every", "100ms",
		"--tls-cert", cert, "--tls-key", key, "--pprof")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/batch", strings.NewReader(batch("a", 10)))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(s.NewKey.WriteKey, "")
	if status, answer := do(t, client, req); status != http.StatusOK || !strings.HasPrefix(s.URL, "https://") {
		t.Errorf("%s: %d %s", s.URL, status, answer)
	}
	rows(t, dsn, "web.purchase_made", 10)
	if status, _ := s.get("/debug/pprof/cmdline"); status != http.StatusOK {
		t.Errorf("profiles: %d", status)
	}
	s.stop()
}

// certificate writes one for 127.0.0.1 that is its own authority.
func certificate(t *testing.T, dir string) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(parsed)
	return certFile, keyFile, roots
}
