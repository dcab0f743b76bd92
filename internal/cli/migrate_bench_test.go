package cli_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/cli"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/migrations"
	"github.com/tapline/tapline/schema"
)

// wide is a source with 500 tables of 100 columns beside the standard ones.
func wide(b *testing.B) (dsn string) {
	b.Helper()
	dsn = pgtest.DSN(b)
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		b.Fatal(err)
	}
	m, err := migrations.Open(b.Context(), cfg, "wide", migrations.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	if err := m.Bootstrap(b.Context(), "Wide"); err != nil {
		b.Fatal(err)
	}
	var d schema.Diff
	for i := range 500 {
		t := schema.Table{Name: fmt.Sprintf("event_%d", i), Event: fmt.Sprintf("Event %d", i), Columns: schema.StandardColumns()}
		for j := range 100 {
			name := fmt.Sprintf("property_%d", j)
			t.Columns = append(t.Columns, schema.Column{Name: name, Type: schema.Text, Path: []string{name}})
		}
		d.Tables = append(d.Tables, t)
	}
	if _, err := m.Evolve(b.Context(), d); err != nil {
		b.Fatal(err)
	}
	pgtest.Exec(b, pgtest.PoolAt(b, dsn), `analyze`)
	return dsn
}

// BenchmarkPlan500 and its neighbours want less than a second each: they are run for every pull request.
func BenchmarkPlan500(b *testing.B) {
	dsn := wide(b)
	for _, command := range []string{"plan", "status", "version"} {
		b.Run(command, func(b *testing.B) {
			for b.Loop() {
				var out, errs bytes.Buffer
				args := []string{"migrate", command, "--source", "Wide", "--dsn", dsn, "--json"}
				if code := cli.Run(b.Context(), args, strings.NewReader(""), &out, &errs, nil); code != 0 {
					b.Fatalf("exit code %d: %s%s", code, out.String(), errs.String())
				}
			}
		})
	}
}
