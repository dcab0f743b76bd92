package alert_test

import (
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
