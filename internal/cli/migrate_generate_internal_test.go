package cli

import "testing"

// A folder with a blank in its name has no plus sign in the URL of its socket: psql would look for one.
func TestStockURLOfAFolderWithABlank(t *testing.T) {
	t.Parallel()
	m := &migration{server: &server{}}
	m.server.DSN = "postgres://tapline@/tapline?host=%2Fmy%20data&port=15432"
	if got, want := m.stockURL("postgres", false), "postgres://tapline@/tapline?host=%2Fmy%20data&port=15432"; got != want {
		t.Errorf("URL %s, want %s", got, want)
	}
}
