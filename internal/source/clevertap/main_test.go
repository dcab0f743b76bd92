package clevertap_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/clevertap"
	"github.com/tapline/tapline/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// india is the time zone of the tests' accounts.
func india(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// account starts a server with some events and returns a client of it whose waits are short.
func account(t testing.TB, o clevertapfake.Options) (*clevertapfake.Server, *clevertap.Client) {
	t.Helper()
	if o.Population == nil {
		var err error
		if o.Population, err = clevertapfake.NewPopulation(clevertapfake.PopulationOptions{Events: 600, Seed: 7}); err != nil {
			t.Fatal(err)
		}
	}
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
	return s, client(t, s.URL(), clevertapfake.DefaultPasscode)
}

func client(t testing.TB, url, passcode string) *clevertap.Client {
	t.Helper()
	return clientWith(t, clevertap.Options{
		Account: clevertapfake.DefaultAccount, Passcode: clevertap.Passcode(passcode), Endpoint: url,
		PollWait: time.Millisecond, MinWait: time.Millisecond, MaxWait: 20 * time.Millisecond, Timeout: 2 * time.Second, Patience: time.Minute,
	})
}

func clientWith(t testing.TB, o clevertap.Options) *clevertap.Client {
	t.Helper()
	c, err := clevertap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// got is what a source has yielded.
type got struct {
	ids     map[string]int // how often, by table and id
	serials map[string]map[string]int
	reasons map[schema.Reason]int
	records int
	windows []string
	failed  []error
}

// read reads all of a source, each window twice: a unit may be opened again.
func read(t testing.TB, s *clevertap.Source) *got {
	t.Helper()
	g := &got{ids: map[string]int{}, serials: map[string]map[string]int{}, reasons: map[schema.Reason]int{}}
	paths := schema.NewPaths(0)
	for u, err := range s.Units(t.Context()) {
		if err != nil {
			g.failed = append(g.failed, err)
			continue
		}
		g.windows = append(g.windows, u.Name())
		first := readUnit(t, u, paths, g)
		if again := readUnit(t, u, paths, &got{
			ids: map[string]int{}, serials: map[string]map[string]int{}, reasons: map[schema.Reason]int{},
		}); again != first {
			t.Errorf("%s opened again: %d records, first %d", u.Name(), again, first)
		}
	}
	return g
}

func readUnit(t testing.TB, u source.Unit, paths *schema.Paths, g *got) (n int) {
	t.Helper()
	r, err := u.Open(t.Context(), paths)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	var ev schema.Event
	for {
		err := r.Next(&ev)
		if errors.Is(err, io.EOF) {
			if r.Read() != u.Size() {
				t.Errorf("%s: %d of %d bytes read at the end", u.Name(), r.Read(), u.Size())
			}
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
		g.take(&ev)
	}
}

func (g *got) take(ev *schema.Event) {
	g.records++
	if ev.Reason != "" {
		g.reasons[ev.Reason]++
		return
	}
	table := schema.TableOf(ev)
	key := table + " " + string(ev.ID)
	if g.ids[key]++; g.ids[key] > 1 {
		return
	}
	for _, l := range ev.Properties {
		if l.Path.Column == "serial" {
			if g.serials[table] == nil {
				g.serials[table] = map[string]int{}
			}
			g.serials[table][string(l.Text)]++
		}
	}
}

// windows are all windows of a population.
func windows(t testing.TB, p *clevertapfake.Population) []clevertap.Window {
	t.Helper()
	first, last := p.Days()
	return clevertap.Windows(p.Events(), day(first), day(last))
}

func day(n int) clevertap.Day {
	return clevertap.Day{Year: n / 10_000, Month: time.Month(n / 100 % 100), Date: n % 100}
}

// want fails if the records that a source yielded, without those that it yielded twice, are not those of the population.
func (g *got) want(t testing.TB, p *clevertapfake.Population) {
	t.Helper()
	for _, err := range g.failed {
		t.Errorf("failed: %v", err)
	}
	rows := 0
	for _, event := range p.Events() {
		want := map[string]int{}
		for _, r := range p.Records(event, 0) {
			want[string(itoa(r.Serial))]++
			rows++
		}
		table := schema.TableName(event)
		if canonical, ok := schema.FoldEvent([]byte(event)); ok {
			table = schema.TableName(canonical)
		}
		for serial, n := range want {
			if g.serials[table][serial] != n {
				t.Errorf("%s: record %s came %d times, want %d", event, serial, g.serials[table][serial], n)
			}
		}
		if len(g.serials[table]) != len(want) {
			t.Errorf("%s: %d different records, want %d", event, len(g.serials[table]), len(want))
		}
	}
	if len(g.ids) != rows {
		t.Errorf("%d ids, want %d", len(g.ids), rows)
	}
}

func itoa(n int64) []byte {
	var out []byte
	for ; n > 0; n /= 10 {
		out = append([]byte{byte('0' + n%10)}, out...)
	}
	return out
}
