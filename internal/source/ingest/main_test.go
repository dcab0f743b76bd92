package ingest_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tapline/tapline/internal/source/ingest"
	"github.com/tapline/tapline/internal/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long anything may take before a test gives up; all of it takes seconds at most.
const patience = time.Minute

// collector returns a Collector over an embedded server of the test's own.
func collector(t testing.TB, s stream.Options, o ingest.CollectorOptions) (*ingest.Collector, *stream.Broker) {
	t.Helper()
	s.Dir, s.MinFree, s.AckTimeout = t.TempDir(), max(s.MinFree, 1), patience
	b, err := stream.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	o.Broker = b
	c, err := ingest.NewCollector(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, b
}
