package cli

import (
	"testing"

	"github.com/tapline/tapline/internal/localpg"
)

// A folder with a blank in its name has no plus sign in the URL of its socket: psql would look for one.
func TestStockURLOfAFolderWithABlank(t *testing.T) {
	t.Parallel()
	m := &migration{server: &server{}}
	m.server.DSN = "postgres://tapline@/tapline?host=%2Fmy%20data&port=15432"
	if got, want := m.stockURL("postgres", false), "postgres://tapline@/tapline?host=%2Fmy%20data&port=15432"; got != want {
		t.Errorf("URL %s, want %s", got, want)
	}
	// golang-migrate's own command does not find the socket at all.
	m.Schema, m.server.local = "web", &localpg.Cluster{}
	want := `PGPASSWORD="$(cat password)" migrate -path m -database ` +
		`'pgx5://tapline@127.0.0.1:15432/tapline?sslmode=disable&x-migrations-table=%22web%22.%22_migrations%22&x-migrations-table-quoted=1' up`
	if got := m.stockCommand("m"); got != want {
		t.Errorf("command %s, want %s", got, want)
	}
}
