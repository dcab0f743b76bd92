package clevertap_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/source/clevertap"
)

// TestFaults reads a whole account through each fault: no record is lost, none comes twice but where the API gave it twice,
// and the limits of the API are kept.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range append(clevertapfake.Faults(), clevertapfake.NoFault) {
		t.Run("fault "+string(fault), func(t *testing.T) {
			t.Parallel()
			s, c := account(t, clevertapfake.Options{Fault: fault, PageSize: 7, Pending: 1})
			if fault == clevertapfake.Hang || fault == clevertapfake.Everything {
				c = clientWith(t, clevertap.Options{
					Account: clevertapfake.DefaultAccount, Passcode: clevertapfake.DefaultPasscode, Endpoint: s.URL(),
					PollWait: time.Millisecond, MinWait: time.Millisecond, MaxWait: time.Millisecond, Timeout: 200 * time.Millisecond,
				})
			}
			p := population(t)
			src := clevertap.NewSource(clevertap.SourceOptions{Client: c, Windows: windows(t, p), Location: india(t), TempDir: t.TempDir()})
			g := read(t, src)
			g.want(t, p)
			if overlaps := fault == clevertapfake.Overlap || fault == clevertapfake.Everything; g.records > len(g.ids) && !overlaps {
				t.Errorf("%d records, %d of them twice: a part that is read again takes the place of the first", g.records, g.records-len(g.ids))
			}
			stats := s.Stats()
			if stats.Doubled > 0 {
				t.Errorf("%d cursors were encoded twice", stats.Doubled)
			}
			// A request that the client has given up may be under way at the server still.
			if stats.Refused > 0 && fault != clevertapfake.Hang && fault != clevertapfake.Everything {
				t.Errorf("%d requests were one too many at once", stats.Refused)
			}
			if fault != clevertapfake.NoFault && fault != clevertapfake.Overlap && stats.Faults == 0 {
				t.Error("nothing went wrong")
			}
		})
	}
}

// population is what account serves by default.
func population(t testing.TB) *clevertapfake.Population {
	t.Helper()
	p, err := clevertapfake.NewPopulation(clevertapfake.PopulationOptions{Events: 600, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCursorLoopFailsTheWindow(t *testing.T) {
	t.Parallel()
	_, c := account(t, clevertapfake.Options{Fault: clevertapfake.CursorLoop, PageSize: 1})
	p := population(t)
	first, _ := p.Days()
	src := clevertap.NewSource(clevertap.SourceOptions{
		Client: c, Windows: []clevertap.Window{{Event: "App Launched", Day: day(first)}}, Location: india(t),
	})
	g := read(t, src)
	if len(g.failed) != 1 || !errors.Is(g.failed[0], clevertap.ErrCursorLoop) || g.records > 0 {
		t.Fatalf("got %d records, errors %v, want the one of a loop", g.records, g.failed)
	}
}
