package migrations_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

func TestWideningCheck(t *testing.T) {
	t.Parallel()
	all := []schema.Type{schema.Boolean, schema.Bigint, schema.Double, schema.Numeric, schema.Timestamptz, schema.Text}
	for from, wider := range map[string][]schema.Type{
		"smallint":                    {schema.Bigint, schema.Double, schema.Numeric, schema.Text},
		"integer":                     {schema.Bigint, schema.Double, schema.Numeric, schema.Text},
		"bigint":                      {schema.Double, schema.Numeric, schema.Text},
		"real":                        {schema.Double, schema.Numeric, schema.Text},
		"double precision":            {schema.Numeric, schema.Text},
		"numeric":                     {schema.Text},
		"numeric(10,2)":               {schema.Numeric, schema.Text},
		"text":                        nil,
		"character varying(512)":      {schema.Text},
		"boolean":                     {schema.Text},
		"timestamp with time zone":    {schema.Text},
		"timestamp(3) with time zone": {schema.Text},
		"jsonb":                       {schema.Text},
	} {
		for _, to := range all {
			want := false
			for _, w := range wider {
				want = want || w == to
			}
			err := migrations.Widening{Table: "t", Column: "c", From: from, To: to}.Check()
			var narrow *migrations.NarrowingError
			if (err == nil) != want || err != nil && !errors.As(err, &narrow) {
				t.Errorf("%s to %s: %v, want allowed %v", from, to, err, want)
			}
		}
	}
}

// What do does is recorded as the migration of Widen; a rehearsal leaves nothing, and a column that is something else by now
// is left alone.
func TestSwap(t *testing.T) {
	t.Parallel()
	pool, m := ready(t, migrations.Options{})
	_, err := m.Evolve(t.Context(), schema.Diff{Columns: []schema.Added{{Table: "app_launched", Column: schema.Column{Name: "n", Type: schema.Bigint}}}})
	if err != nil {
		t.Fatal(err)
	}
	ws := []migrations.Widening{{Table: "app_launched", Column: "n", From: "bigint", To: schema.Numeric}}
	do := func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "alter table shop.app_launched alter n type numeric")
		return err
	}
	typ := func() string {
		got, err := migrations.ColumnType(t.Context(), pool, shop, "app_launched", "n")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	planned, err := m.WidenSQL(t.Context(), ws)
	if err != nil || !strings.Contains(planned.Up, `alter column "n" type numeric`) {
		t.Errorf("plan %q, %v", planned.Up, err)
	}
	if _, err := m.Swap(t.Context(), ws, true, do); err != nil || typ() != "bigint" {
		t.Errorf("rehearsal: %v, type %s", err, typ())
	}
	file, err := m.Swap(t.Context(), ws, false, do)
	if err != nil || typ() != "numeric" || file.Up != planned.Up || file.Version != planned.Version {
		t.Errorf("swap: %v, type %s, migration %d %s", err, typ(), file.Version, file.Name)
	}
	if version, dirty, err := m.Version(t.Context()); version != file.Version || dirty || err != nil {
		t.Errorf("version %d, dirty %v, %v; want %d", version, dirty, err, file.Version)
	}
	if got := pgtest.Value[string](t, pool, `select type from shop._columns where table_name = 'app_launched' and column_name = 'n'`); got != "numeric" {
		t.Errorf("_columns has %s", got)
	}
	var changed *migrations.ChangedError
	if _, err := m.Swap(t.Context(), ws, false, do); !errors.As(err, &changed) || changed.Has != "numeric" {
		t.Errorf("swap of a column that is wide: %v", err)
	}
	if _, err := m.Widen(t.Context(), ws); !errors.As(err, &changed) {
		t.Errorf("widening of a column that is wide: %v", err)
	}
}
