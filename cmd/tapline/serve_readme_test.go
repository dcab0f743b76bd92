package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// TestReadmeServe runs what README's chapter on HTTP offers to try, on other ports.
func TestReadmeServe(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "\n## Receive events over HTTP\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(chapter, -1)
	if len(blocks) != 2 {
		t.Fatalf("README's chapter on HTTP has %d blocks of commands", len(blocks))
	}
	server := pgtest.NewServer(t, nil)
	env := []string{"DATABASE_URL=" + server.DSN(localpg.Database)}
	command := strings.Fields(strings.TrimSpace(blocks[0][1]))
	s := launch(t, env, append(command[1:], "--data-dir", folder(t), "--load-every", "100ms")...)
	curl := regexp.MustCompile(`^curl -u "\$WRITE_KEY:" http://127\.0\.0\.1:8480(/\S+) -d '(.*)'$`)
	psql := regexp.MustCompile(`^tapline (psql .*) -- -c '(.*)'$`)
	sent, looked := 0, 0
	for line := range strings.SplitSeq(strings.TrimSpace(blocks[1][1]), "\n") {
		if call := curl.FindStringSubmatch(line); call != nil {
			s.send(s.NewKey.WriteKey, call[1], call[2])
			sent++
			continue
		}
		query := psql.FindStringSubmatch(line)
		if query == nil {
			t.Errorf("no test knows how to run: %s", line)
			continue
		}
		args := append(strings.Fields(query[1]), "--", "-At", "-c", query[2])
		rows(t, server.DSN(localpg.Database), "clevertap_prod.app_launched", 1)
		if code, stdout, stderr := run(t, "", "tapline", env, args...); code != 0 || !strings.HasPrefix(stdout, "App Launched|u1|") {
			t.Errorf("%s: exit code %d: %s%s", line, code, stdout, stderr)
		}
		looked++
	}
	if sent != 2 || looked != 1 {
		t.Errorf("%d calls and %d queries", sent, looked)
	}
	for name := range strings.SplitSeq(strings.Join(regexp.MustCompile("`tapline_[a-z_]+`").FindAllString(chapter, -1), " "), " ") {
		name = strings.Trim(name, "`")
		_, metrics := s.get("/metrics")
		if !strings.Contains(metrics, name) && name != "tapline_discards_total" && name != "tapline_http_refused_total" { // there are none yet
			t.Errorf("README names %s, which is no metric", name)
		}
	}
	s.stop()
}
