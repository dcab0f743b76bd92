package pgtest_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
)

// startAndWait names the variable that makes TestServerOfAKilledProcess the process that is killed.
const startAndWait = "PGTEST_START_AND_WAIT"

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestDatabasesAreSeparateAndDropped(t *testing.T) {
	t.Parallel()
	var names []string
	t.Run("Mixed case, and a name that is far too long to fit into an identifier of Postgres", func(t *testing.T) {
		for range 2 {
			name := pgtest.Database(t)
			pool := pgtest.PoolAt(t, pgtest.Server(t).DSN(name))
			pgtest.Exec(t, pool, "create table the_same_name (n int)")
			names = append(names, name)
		}
	})
	if names[0] == names[1] || len(names[0]) > 63 {
		t.Errorf("names are %q", names)
	}
	const query = "select count(*) from pg_database where datname = any($1)"
	if got := pgtest.Value[int64](t, pgtest.Pool(t), query, names); got != 0 {
		t.Errorf("%d databases of a finished test are left", got)
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	pgtest.Exec(t, pool, "create table t (n bigint, s text)")
	if got := pgtest.Exec(t, pool, "insert into t values (1, 'a'), ($1, $2)", 2, nil); got != 2 {
		t.Errorf("inserted %d rows, want 2", got)
	}
	want := [][]any{{int64(1), "a"}, {int64(2), nil}}
	if diff := cmp.Diff(want, pgtest.Query(t, pool, "select n, s from t order by n")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := pgtest.Value[string](t, pool, "select min(s) from t"); got != "a" {
		t.Errorf("value %q, want a", got)
	}
}

func TestServerIsShared(t *testing.T) {
	t.Parallel()
	if first, second := pgtest.Server(t), pgtest.Server(t); first != second {
		t.Error("two servers")
	}
}

func TestNewServerIsDurableAndGoesWithTheTest(t *testing.T) {
	t.Parallel()
	var folder string
	t.Run("crash", func(t *testing.T) {
		c := pgtest.NewServer(t, map[string]string{"work_mem": "7MB"})
		st, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		folder = st.DataDir
		pool := pgtest.PoolAt(t, c.DSN(localpg.Database))
		for name, want := range map[string]string{"fsync": "on", "synchronous_commit": "on", "work_mem": "7MB"} {
			if got := pgtest.Value[string](t, pool, "show "+name); got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
		pgtest.Exec(t, pool, "create table kept as select 42 as n")
		pool.Reset()
		if err := c.Stop(t.Context(), localpg.Immediate); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		again := pgtest.PoolAt(t, c.DSN(localpg.Database))
		if got := pgtest.Value[int32](t, again, "select n from kept"); got != 42 {
			t.Errorf("kept is %d, want 42", got)
		}
	})
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", folder, err)
	}
}

func TestServerOfAKilledProcess(t *testing.T) {
	if os.Getenv(startAndWait) != "" {
		st, err := pgtest.Server(t).Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\nserver:%s\n", st.DataDir)
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestServerOfAKilledProcess$")
	cmd.Env = append(os.Environ(), startAndWait+"=1")
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	var dataDir string
	for lines := bufio.NewScanner(stdout); dataDir == "" && lines.Scan(); {
		_, dataDir, _ = strings.Cut(lines.Text(), "server:")
	}
	if _, err := os.Stat(filepath.Join(dataDir, "postmaster.pid")); err != nil {
		t.Errorf("no server: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
	folder := filepath.Dir(filepath.Dir(dataDir))
	for range 1000 {
		if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s and its server outlived their process", folder)
}
