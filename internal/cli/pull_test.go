package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/cli"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/pgtest"
)

// account is a CleverTap account and the flags to reach it.
type account struct {
	*clevertapfake.Server
	people *clevertapfake.Population
	flags  []string
}

const passcode = "hunter2-passcode"

func newAccount(t *testing.T, o clevertapfake.Options) *account {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
	people, err := clevertapfake.NewPopulation(clevertapfake.PopulationOptions{Events: 300, Seed: 5, From: from, To: from.AddDate(0, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	o.Population, o.Passcode = people, passcode
	s, err := clevertapfake.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &account{s, people, []string{
		"-s", "CleverTap_Prod", "--endpoint", s.URL(), "--account-id", clevertapfake.DefaultAccount, "--timezone", "Asia/Kolkata",
		"--from", "2026-01-01", "--to", "2026-01-02",
	}}
}

// with runs a command line with the account's flags and its passcode in the environment, and wants that code.
func (w *world) with(a *account, code int, args ...string) result {
	w.t.Helper()
	args = append(args, a.flags...)
	r := w.runWith("", []string{"DATABASE_URL=" + w.dsn, "CLEVERTAP_PASSCODE=" + passcode}, args...)
	r.want(w.t, code, args...)
	if strings.Contains(r.stdout+r.stderr, passcode) {
		w.t.Errorf("tapline %s shows the passcode:\n%s%s", strings.Join(args, " "), r.stdout, r.stderr)
	}
	return r
}

type pullDocument struct {
	ExitCode int `json:"exit_code"`
	Counts   struct{ Accepted, Loaded, Quarantined, Duplicates int64 }
	Windows  struct{ All, Settled, Loaded, Failed int }
	From, To string
	Files    *struct{}
	Skipped  []struct{ Event, Reason string } `json:"skipped_events"`
}

func decoded[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("decode %q: %v", text, err)
	}
	return v
}

// TestPull goes the whole way: tables ahead, a pull, the same again, a comparison, a difference.
func TestPull(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newAccount(t, clevertapfake.Options{
		NotExportable: []string{"Notification Viewed"}, Fault: clevertapfake.EmptyPage, PageSize: 20,
		Schema: map[string]map[string]string{"Order Placed": {"Order Total": "Float"}},
	})
	contains(t, w.with(a, 0, "pull", "--schema-only", "--dry-run").stdout, "table order_placed", "event Order Placed", `create table`)
	contains(t, w.with(a, 0, "pull", "--schema-only").stdout, "table order_placed", "order_total double precision", "made")
	if r := w.with(a, 0, "pull", "--schema-only", "--json"); decoded[map[string]any](t, r.stdout)["new_tables"] == nil {
		t.Errorf("got %s", r.stdout)
	}

	left := a.people.Len() - int64(len(a.people.Records("Notification Viewed", 0)))
	r := w.with(a, 0, "pull")
	contains(t, r.stdout, "✓ Pulled", "of 2026-01-01 to 2026-01-02 into schema clevertap_prod", "Not given away by this API", "Notification Viewed",
		"app_launched", "tapline psql --source CleverTap_Prod")
	d := decoded[pullDocument](t, w.with(a, 0, "pull", "--json", "--again").stdout)
	if d.Counts.Duplicates != left || d.Counts.Loaded != 0 || d.From != "2026-01-01" || d.Windows.Failed != 0 || d.Windows.Loaded == 0 || d.Files != nil {
		t.Errorf("again: %+v, want %d duplicates", d, left)
	}
	d = decoded[pullDocument](t, w.with(a, 0, "pull", "--json").stdout)
	if d.Windows.Settled == 0 || d.Windows.Loaded != 0 || len(d.Skipped) == 0 {
		t.Errorf("once more: %+v", d)
	}
	contains(t, w.with(a, 0, "pull").stdout, "✓ Nothing new of 2026-01-01 to 2026-01-02")
	contains(t, w.with(a, 0, "pull", "--only", "--events", "App Launched", "--again").stdout, "2 windows read")

	contains(t, w.with(a, 0, "verify").stdout, "✓ Nothing differs")
	pool := pgtest.PoolAt(t, w.dsn)
	if _, err := pool.Exec(t.Context(), "delete from clevertap_prod.app_launched where id = (select min(id) from clevertap_prod.app_launched)"); err != nil {
		t.Fatal(err)
	}
	contains(t, w.with(a, 2, "verify").stdout, "✗ 1 missing, 0 too many", "App Launched", "ct_")
	v := decoded[struct {
		Counts      struct{ Source, Rows, Missing int64 }
		Differences []struct{ Table string }
	}](t, w.with(a, 2, "verify", "--json").stdout)
	if v.Counts.Missing != 1 || v.Counts.Source != left || len(v.Differences) != 1 || v.Differences[0].Table != "app_launched" {
		t.Errorf("verify: %+v", v)
	}
	if n := pgtest.Query(t, pool, "select count(*) from clevertap_prod._loads l where l::text like '%"+passcode+"%'"); n[0][0].(int64) != 0 {
		t.Error("the passcode is in _loads")
	}
}

// TestPullPlan plans a migration for the account's own events, in a managed schema too.
func TestPullPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newAccount(t, clevertapfake.Options{Schema: map[string]map[string]string{"Order Placed": {"Order Total": "Float"}}})
	reach := &account{flags: a.flags[:len(a.flags)-4]}
	contains(t, w.with(reach, 2, "migrate", "plan", "--from", "clevertap").stdout, "table order_placed", "order_total double precision")
	contains(t, w.with(reach, 64, "migrate", "plan", "--from", "elsewhere").stderr, `--from "elsewhere": unknown value: use clevertap`)
	contains(t, w.with(a, 1, "pull", "--schema-only", "--evolve", "managed").stderr, "migrate generate --from clevertap")
}

// TestPullWrong makes the mistakes that people make.
func TestPullWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newAccount(t, clevertapfake.Options{})
	env := []string{"DATABASE_URL=" + w.dsn, "CLEVERTAP_PASSCODE=" + passcode, "EMPTY="}
	reach := strings.Join(a.flags[:8], " ")
	for line, want := range map[string]string{
		"pull":                       "--source: no source",
		"pull -s Web":                "--timezone: no time zone",
		"pull -s Web --timezone UTC": "--account-id: no CleverTap account id",
		"pull -s Web --timezone UTC --account-id A":                                       "--region: no region",
		"pull -s Web --timezone UTC --account-id A --region mars":                         `--region "mars": unknown region`,
		"pull -s Web --timezone UTC --account-id A --region in1 --passcode-env EMPTY":     `--passcode-env "EMPTY": there is nothing`,
		"pull -s Web --timezone UTC --account-id A --region in1 --passcode-file /no/such": `--passcode-file "/no/such"`,
		"pull -s Web --timezone UTC --account-id A --endpoint http://example.com":         "--endpoint: the passcode would travel without encryption",
		"pull " + reach + " --from 2026-13-01":                                            `--from "2026-13-01": no day`,
		"pull " + reach + " --from 2026-01-02 --to 2026-01-01":                            "--from: 2026-01-02 is after 2026-01-01",
		"pull " + reach + " --lookback soon":                                              "--lookback",
		"pull " + reach + " --only":                                                       "--only: no event is named",
		"pull " + reach + " --dry-run":                                                    "--dry-run: only with --schema-only",
	} {
		r := w.runWith("", env, strings.Fields(line)...)
		r.want(t, 64, line)
		contains(t, r.stderr, want)
	}
	r := w.runWith("", []string{"DATABASE_URL=" + w.dsn, "CLEVERTAP_PASSCODE=not-the-one"}, append([]string{"pull"}, a.flags...)...)
	r.want(t, 1, "pull with a wrong passcode")
	contains(t, r.stderr, "Invalid Credentials")
	if strings.Contains(r.stderr, "not-the-one") {
		t.Errorf("the passcode is shown: %s", r.stderr)
	}
	d := decoded[pullDocument](t, w.with(a, 1, "pull", "--events", "app launched", "--json").stdout)
	if d.ExitCode != 1 || d.Windows.Failed != 1 || d.Counts.Loaded != a.people.Len() {
		t.Errorf("with an event that is not there: %+v", d)
	}
}

// TestPullConfigured takes everything from the configuration file.
func TestPullConfigured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newAccount(t, clevertapfake.Options{})
	w.file("secret", passcode+"\n")
	path := w.file("tapline.yaml", "sources:\n  CleverTap_Prod:\n    timezone: Asia/Kolkata\n    account: "+clevertapfake.DefaultAccount+
		"\n    exclude: [\"Notification *\"]\n    pull: {endpoint: '"+a.URL()+"', passcode_file: secret, lookback: 1}\n")
	d := decoded[pullDocument](t, w.must(0, "pull", "--config", path, "--from", "20260101", "--to", "2026-01-02", "--json").stdout)
	var want int64
	for _, e := range a.people.Events() {
		if !strings.HasPrefix(e, "Notification ") {
			want += int64(len(a.people.Records(e, 0)))
		}
	}
	if d.Counts.Loaded != want {
		t.Errorf("%d rows, want %d", d.Counts.Loaded, want)
	}
	w.must(0, "verify", "--config", path, "--from", "20260101", "--to", "2026-01-02")
	// Nothing of these days is in the account: there is nothing to load, and that is no error.
	w.must(0, "pull", "--config", path, "-q")
}

// TestPullUsesRegistered: what is noted of a source is used by all that read its account, unless a flag or the configuration file
// says otherwise.
func TestPullUsesRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newAccount(t, clevertapfake.Options{Schema: map[string]map[string]string{"Order Placed": {"Order Total": "Float"}}})
	reach := &account{flags: []string{"-s", "CleverTap_Prod", "--endpoint", a.URL()}}
	days := []string{"--from", "2026-01-01", "--to", "2026-01-02"}
	contains(t, w.with(reach, 64, append([]string{"pull"}, days...)...).stderr, "--timezone") // nothing is noted of it
	w.must(0, "source", "add", "CleverTap_Prod", "--schema", "ct", "--region", "eu", "--timezone", "Asia/Kolkata",
		"--account", clevertapfake.DefaultAccount, "--user-identity", "clevertap_id")
	contains(t, w.with(reach, 2, "migrate", "plan", "--from", "clevertap").stdout, "table order_placed")
	contains(t, w.with(reach, 0, "pull", "--schema-only").stdout, "table order_placed")
	d := decoded[pullDocument](t, w.with(reach, 0, append([]string{"pull", "--json"}, days...)...).stdout)
	if d.Counts.Loaded != a.people.Len() {
		t.Errorf("%d rows, want %d", d.Counts.Loaded, a.people.Len())
	}
	contains(t, w.with(reach, 0, append([]string{"verify"}, days...)...).stdout, "Nothing differs")
	pool := pgtest.PoolAt(t, w.dsn)
	if n := pgtest.Value[int64](t, pool, "select count(*) from ct.app_launched where user_id is distinct from anonymous_id"); n != 0 {
		t.Errorf("%d rows have another user_id than the one that is noted", n)
	}
	// Flags win, and so does the configuration file.
	contains(t, w.with(reach, 64, "pull", "--timezone", "Mars/Base").stderr, "Mars/Base")
	contains(t, w.with(reach, 1, append([]string{"pull", "--account-id", "OTHER"}, days...)...).stderr, "Invalid Credentials")
	other := &account{flags: append(reach.flags, "--config", w.file("tapline.yaml", "sources: {CleverTap_Prod: {account: OTHER}}"))}
	contains(t, w.with(other, 1, append([]string{"verify"}, days...)...).stderr, "Invalid Credentials")
}

// TestVerifyFiles compares files.
func TestVerifyFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("a.ndjson", purchases(20)+badLine)
	w.must(3, "load", path, "-s", "Web", "-q")
	contains(t, w.must(0, "verify", "-s", "Web", "--files", path).stdout, "Nothing differs", "20 in their tables, 1 quarantined")
	more := w.file("b.ndjson", strings.ReplaceAll(purchases(3), `"p`, `"q`))
	contains(t, w.must(2, "verify", "-s", "Web", "--files", path, "--files", more).stdout, "3 missing", "Purchase Made", "2026-01-15")
	contains(t, w.must(64, "verify", "-s", "Web", "--files", filepath.Join(w.dir, "none")).stderr, "no such file")
}

// TestDemo types what the demo prints.
func TestDemo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, []string{"demo", "clevertap", "--events", "300", "--fault", "code-2", "--json"}, strings.NewReader(""), in, &stderr, nil)
		_ = in.Close()
	}()
	var d struct{ Environment, Pull []string }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&d); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	r := w.runWith("", append(d.Environment, "DATABASE_URL="+w.dsn), append(d.Pull, "--only", "--events", "App Installed")...)
	r.want(t, 0, d.Pull...)
	contains(t, r.stdout, "✓ Pulled")
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("the demo ended with %d: %s", code, stderr.String())
	}
	if _, err := os.Stat("tapline.yaml"); err == nil {
		t.Error("something was left")
	}
	contains(t, w.must(64, "demo", "clevertap", "--fault", "rain").stderr, `unknown fault "rain"`)
}

// TestReadmePull wants README's configuration of a pull to be one.
func TestReadmePull(t *testing.T) {
	t.Parallel()
	_, chapter, _ := strings.Cut(readme(t), "## From CleverTap's API\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	_, text, _ := strings.Cut(chapter, "```yaml\n")
	text, _, found := strings.Cut(text, "```")
	f, err := config.ParseFile("tapline.yaml", []byte(text))
	if err != nil || !found || f.Sources["CleverTap_Prod"].Pull.Region != "in1" || len(f.JobNames()) != 2 {
		t.Errorf("%v: %s", err, text)
	}
}
