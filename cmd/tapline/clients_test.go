//go:build clients

// The clients that others publish, as they are. They are installed by testdata/clients/install.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

const (
	clientsDir  = "../../testdata/clients"
	clientCalls = 1000 // of each type
)

// outcome is what a client says became of its calls.
type outcome struct {
	Delivered, Failed int
	Errors            []string
}

// TestClients sends a thousand calls of each type with each client, some of which are refused or not answered the first
// time: every one is in its table, once, as it was sent.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"@segment/analytics-node", "analytics-node", "@rudderstack/rudder-sdk-node", "@customerio/cdp-analytics-node"} {
		t.Run(name, func(t *testing.T) { t.Parallel(); sendWith(t, "node", "node.js", name) })
	}
	t.Run("segment-analytics-python", func(t *testing.T) { t.Parallel(); sendWith(t, ".venv/bin/python", "python.py") })
}

// sendWith runs a program of testdata/clients that sends all calls and says what became of them.
func sendWith(t *testing.T, program string, args ...string) {
	t.Helper()
	dsn := pgtest.DSN(t)
	s := launch(t, []string{"DATABASE_URL=" + dsn}, "serve", "--source", "Client", "--data-dir", folder(t), "--load-every", "200ms")
	w := newWire(t, s.URL)
	cmd := exec.CommandContext(t.Context(), program, append(args, w.url, s.NewKey.WriteKey, fmt.Sprint(clientCalls))...)
	cmd.Dir = clientsDir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v: %s%s", cmd.Args, err, out, stderr.String())
	}
	var became outcome
	if err := json.Unmarshal(out, &became); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	if became.Failed > 0 || became.Delivered != 6*clientCalls {
		t.Errorf("the client says: %+v", became)
	}
	wantRows(t, pgtest.PoolAt(t, dsn), "client", clientCalls, w, func(i int) bool { return i%2 == 1 })
	s.stop()
}

// TestClientBrowser does so with analytics-next, in a browser, from a page of another site.
func TestClientBrowser(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	s := launch(t, []string{"DATABASE_URL=" + dsn}, "serve", "--source", "Client", "--data-dir", folder(t), "--load-every", "200ms")
	w := newWire(t, s.URL)
	reports := make(chan string, 10)
	site := httptest.NewServer(siteWithClient(reports))
	t.Cleanup(site.Close) // after the browser, which keeps connections
	q := url.Values{"host": {w.url}, "key": {s.NewKey.WriteKey}, "n": {fmt.Sprint(clientCalls)}}
	browse(t, site.URL+"/page.html?"+q.Encode())
	until(t, "the page has made its calls", func() bool { return len(reports) > 0 })
	if got := <-reports; got != `{"done":true}` {
		t.Fatalf("the page says: %s", got)
	}
	wantRows(t, pgtest.PoolAt(t, dsn), "client", clientCalls, w, func(i int) bool { return i%2 == 1 })
	s.stop()
}

// siteWithClient serves a page with analytics-next, and takes what it reports.
func siteWithClient(reports chan<- string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(clientsDir)))
	umd := filepath.Join(clientsDir, "node_modules/@segment/analytics-next/dist/umd")
	mux.Handle("/umd/", http.StripPrefix("/umd/", http.FileServer(http.Dir(umd))))
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		reports <- string(b)
	})
	return mux
}

// browse opens a page in a browser, until the test ends.
func browse(t *testing.T, page string) {
	t.Helper()
	profile, err := os.MkdirTemp("", "tapline-browser-")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--no-sandbox", "--disable-gpu", "--user-data-dir=" + profile, "--remote-debugging-port=0", "--no-proxy-server", page}
	cmd := exec.Command("chromium-headless-shell", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has many processes, which end together
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		until(t, "the browser's files are gone", func() bool { return os.RemoveAll(profile) == nil })
	})
}
