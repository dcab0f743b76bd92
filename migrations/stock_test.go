package migrations_test

import (
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// TestStockCommand shares one build of golang-migrate's own command, made of the module that go.mod names.
func TestStockCommand(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "migrate")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "pgx5", "-o", bin, "github.com/golang-migrate/migrate/v4/cmd/migrate").CombinedOutput()
	if err != nil {
		t.Fatalf("build migrate: %v\n%s", err, out)
	}
	for name, test := range map[string]func(*testing.T, string){
		"applies the folder":                testStockApplies,
		"and the Migrator take turns":       testStockTurns,
		"leaves another source's schema be": testStockOwner,
		"fails":                             testStockFails,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, bin)
		})
	}
}

// folder is a folder of migrations on disk.
type folder struct {
	t    *testing.T
	dir  string
	pool *pgxpool.Pool
	bin  string // golang-migrate's command
}

func newFolder(t *testing.T, pool *pgxpool.Pool, bin string) *folder {
	t.Helper()
	return &folder{t, t.TempDir(), pool, bin}
}

func (f *folder) write(files []migrations.File) {
	f.t.Helper()
	if err := migrations.WriteFolder(f.dir, files); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) read() []migrations.File {
	f.t.Helper()
	files, err := migrations.ReadFolder(os.DirFS(f.dir))
	if err != nil {
		f.t.Fatal(err)
	}
	return files
}

// generate writes what the schema lacks of the catalogue and of d.
func (f *folder) generate(m *migrations.Migrator, d schema.Diff) {
	f.t.Helper()
	p, err := m.Propose(f.t.Context(), "Shop", d, "")
	if err != nil {
		f.t.Fatal(err)
	}
	files, err := m.ForFolder(f.t.Context(), "Shop", p, f.read())
	if err != nil {
		f.t.Fatal(err)
	}
	f.write(files)
}

// stock runs golang-migrate's command on the folder.
func (f *folder) stock(args ...string) error {
	f.t.Helper()
	u, err := url.Parse(f.pool.Config().ConnString())
	if err != nil {
		f.t.Fatal(err)
	}
	u.Scheme = "pgx5"
	q := u.Query()
	for name, values := range migrations.StockParameters(shop) {
		q[name] = values
	}
	u.RawQuery = q.Encode()
	cmd := exec.CommandContext(f.t.Context(), f.bin, append([]string{"-path", f.dir, "-database", u.String()}, args...)...)
	out, err := cmd.CombinedOutput()
	f.t.Logf("migrate %v: %s", args, out)
	return err
}

func (f *folder) mustStock(args ...string) {
	f.t.Helper()
	if err := f.stock(args...); err != nil {
		f.t.Fatalf("migrate %v: %v", args, err)
	}
}

// columns are the rows of _columns but for their times.
func columns(t *testing.T, pool *pgxpool.Pool) [][]any {
	t.Helper()
	return pgtest.Query(t, pool, `select table_name, column_name, path::text, type, event from shop._columns order by 1, 2`)
}

// What generate writes and golang-migrate's command applies is what a Migrator makes, for everybody who asks.
func testStockApplies(t *testing.T, bin string) {
	wantPool, wanted := ready(t, migrations.Options{})
	evolve(t, wanted, purchases())
	pool := pgtest.Pool(t)
	m := open(t, pool, migrations.Options{})
	f := newFolder(t, pool, bin)
	f.generate(m, purchases())
	pgtest.Exec(t, pool, `create schema shop`)
	f.mustStock("up")

	if diff := cmp.Diff(relations(t, wantPool), relations(t, pool)); diff != "" {
		t.Errorf("tables (-Migrator +migrate):\n%s", diff)
	}
	if diff := cmp.Diff(columns(t, wantPool), columns(t, pool)); diff != "" {
		t.Errorf("_columns (-Migrator +migrate):\n%s", diff)
	}
	if diff := cmp.Diff(tables(t, wanted), tables(t, m)); diff != "" {
		t.Errorf("columns and comments (-Migrator +migrate):\n%s", diff)
	}
	// A loader of a managed source finds everything ready.
	if err := open(t, pool, migrations.Options{Managed: true}).Bootstrap(t.Context(), "Shop"); err != nil {
		t.Errorf("managed Bootstrap = %v", err)
	}
	if err := m.Verify(t.Context(), f.read()); err != nil {
		t.Errorf("Verify = %v", err)
	}
	if p, err := m.Propose(t.Context(), "Shop", purchases(), ""); err != nil || !p.Empty() {
		t.Errorf("there is more to propose: %+v, %v", p.Diff, err)
	}
	files, err := m.Files(t.Context())
	if err != nil || len(files) != 2 || !files[1].Applied() || files[1].Up != f.read()[1].Up {
		t.Errorf("the applied text is not kept: %d files, %v", len(files), err)
	}

	f.mustStock("down", "1")
	if version, dirty, err := m.Version(t.Context()); version != 1 || dirty || err != nil {
		t.Errorf("Version after down 1 = %d, %v, %v", version, dirty, err)
	}
	f.mustStock("up")
	if diff := cmp.Diff(relations(t, wantPool), relations(t, pool)); diff != "" {
		t.Errorf("tables after down and up (-want +got):\n%s", diff)
	}
	f.mustStock("down", "-all")
	want := []string{"i _migrations_pkey", "r _migrations"}
	if diff := cmp.Diff(want, relations(t, pool)); diff != "" {
		t.Errorf("after down -all (-want +got):\n%s", diff)
	}
	if steps, err := m.UpFolder(t.Context(), "Shop", f.read(), migrations.All); err != nil || len(steps) != 2 {
		t.Errorf("UpFolder after migrate down = %v, %v", steps, err)
	}
}

// The two commands may take turns on one schema, also one that a loader has made.
func testStockTurns(t *testing.T, bin string) {
	pool, m := ready(t, migrations.Options{})
	f := newFolder(t, pool, bin)
	evolve(t, m, purchases())
	second := purchases()
	second.Tables[0].Name, second.Tables[0].Event = "refund", "Refund"
	f.generate(m, second)
	if n := len(f.read()); n != 3 {
		t.Fatalf("%d files, want those that are applied and the new one", n)
	}
	f.mustStock("up")
	third := addAmounts()
	f.generate(m, third)
	steps, err := m.UpFolder(t.Context(), "Shop", f.read(), migrations.All)
	if err != nil || len(steps) != 1 || steps[0].Version != 4 {
		t.Fatalf("UpFolder = %v, %v, want number 4", steps, err)
	}
	// Its texts are all in the schema now: no folder is needed for the way back.
	if n, err := m.Down(t.Context(), 2); err != nil || n != 2 {
		t.Fatalf("Down = %d, %v", n, err)
	}
	f.mustStock("up")
	have := tables(t, m)
	if have["refund"] == nil || have["utm_visited"].Column("context_amount") == nil {
		t.Error("refund and context_amount are not both there")
	}
	evolve(t, m, schema.Diff{Columns: []schema.Added{{Table: "refund", Column: schema.Column{Name: "why", Type: schema.Text, Path: []string{"why"}}}}})
	if v, dirty, err := m.Version(t.Context()); v != 5 || dirty || err != nil {
		t.Errorf("Version = %d, %v, %v, want 5", v, dirty, err)
	}
}

// A folder claims its schema for its source alone.
func testStockOwner(t *testing.T, bin string) {
	pool := pgtest.Pool(t)
	m := open(t, pool, migrations.Options{})
	f := newFolder(t, pool, bin)
	f.generate(m, schema.Diff{})
	if err := m.Bootstrap(t.Context(), "Other"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Down(t.Context(), migrations.All); err != nil {
		t.Fatal(err)
	}
	if err := f.stock("up"); err == nil {
		t.Error("migrate took the schema of another source")
	}
}

// golang-migrate's command leaves a file that fails dirty, and stops there; what it leaves heals.
func testStockFails(t *testing.T, bin string) {
	pool, m := ready(t, migrations.Options{})
	f := newFolder(t, pool, bin)
	f.generate(m, purchases())
	pgtest.Exec(t, pool, `create view shop.purchase as select 1 as one`)
	if err := f.stock("up"); err == nil {
		t.Fatal("migrate went over a view where a table has to be")
	}
	if c, err := m.Condition(t.Context()); err != nil || c != (migrations.Condition{Begun: 2, Dirty: true, Applied: 1}) {
		t.Errorf("Condition = %+v, %v, want 2, dirty, 1 applied", c, err)
	}
	pgtest.Exec(t, pool, `drop view shop.purchase`)
	if err := f.stock("up"); err == nil {
		t.Error("migrate went on from a dirty version by itself")
	}
	found, err := m.Repair(t.Context(), nil)
	if err != nil || !found.Dirty {
		t.Errorf("Repair = %+v, %v", found, err)
	}
	f.mustStock("up")
	// The user has forced a version of which there is no record.
	f.mustStock("force", "3")
	var unrecorded *migrations.UnrecordedError
	if _, err := m.Up(t.Context()); !errors.As(err, &unrecorded) || unrecorded.Version != 3 || unrecorded.Recorded != 2 {
		t.Errorf("Up = %v, want *UnrecordedError", err)
	}
	f.write([]migrations.File{{Version: 3, Name: "by_hand", Up: "create index on shop.purchase (user_id)", Down: "select 1"}})
	if _, err := m.Repair(t.Context(), f.read()); err != nil {
		t.Errorf("Repair with the folder = %v", err)
	}
	if v, dirty, err := m.Version(t.Context()); v != 3 || dirty || err != nil {
		t.Errorf("Version = %d, %v, %v, want 3", v, dirty, err)
	}
}
