package loader_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// strange is a unit of somebody else's source.
type strange struct {
	loader.Unit
	key  string
	open error
}

func (u strange) Key() string { return u.key }

func (u strange) Open(context.Context, *schema.Paths) (source.Reader, error) { return nil, u.open }

func (u strange) Units(context.Context) iter.Seq2[loader.Unit, error] {
	return func(yield func(loader.Unit, error) bool) { yield(u, nil) }
}

func oneUnit(t *testing.T) loader.Unit {
	t.Helper()
	for u, err := range filesOf(t, write(t, events("a", 1)...)).Units(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	return nil
}

// A key that Postgres cannot hold is an error of the Load that says so.
func TestKeyThatIsNoText(t *testing.T) {
	t.Parallel()
	l := newLoader(t, pgtest.DSN(t), loader.Config{})
	_, err := l.Load(t.Context(), strange{oneUnit(t), "key\xff", nil})
	if err == nil || !strings.Contains(err.Error(), "look up units") {
		t.Errorf("error %v, want one that names the look-up", err)
	}
}

// Why a unit failed may quote what Postgres cannot hold, and the connection may be lost while it is recorded, before or after
// the COMMIT: it is in the ledger once.
func TestFailureIsRecorded(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	load(t, pool, loader.Config{}, write(t, events("first", 1)...))
	proxy := pgtest.NewProxy(t, pgtest.Server(t))
	proxy.CutBefore(`insert into "clevertap_prod"."_loads"`, 1)
	proxy.CutAfter(`commit`, 1)
	l := newLoader(t, proxy.DSN(t, pool.Config().ConnConfig.Database), loader.Config{})
	bad := errors.New("the header is \x00\xffID")
	report, err := l.Load(t.Context(), strange{oneUnit(t), "key", bad})
	if !errors.Is(err, bad) || report.FailedUnits() != 1 {
		t.Errorf("%+v, %v; want a unit that failed", report, err)
	}
	if n := proxy.Cuts(); n != 2 {
		t.Errorf("%d connections were cut, want 2", n)
	}
	equal(t, pool, `select status, error from clevertap_prod._loads where unit_key = 'key'`, []any{"failed", "the header is \uFFFD\uFFFDID"})
}
