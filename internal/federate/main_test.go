package federate_test

import (
	"os"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(sinkProcess) != "" {
		serveSink()
		return
	}
	pgtest.Main(m)
}
