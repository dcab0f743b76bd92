package localpg

import (
	"fmt"
	"os"
	"path/filepath"
)

// rootDataDir is the data folder of root where root's home is closed to the account the server runs as.
const rootDataDir = "/var/lib/tapline"

// DefaultDataDir is the data folder when the user names none: $XDG_DATA_HOME/tapline, else ~/.local/share/tapline. For
// root, whose home others usually cannot enter and who cannot run Postgres itself, it is then /var/lib/tapline.
func DefaultDataDir() (string, error) {
	dir, err := userDataDir(os.Getenv("XDG_DATA_HOME"))
	if err != nil || os.Geteuid() != 0 {
		return dir, err
	}
	account, err := wantedAccount("", 0)
	if err != nil {
		return "", err
	}
	if account.blockedBy(dir) != "" {
		return rootDataDir, nil
	}
	return dir, nil
}

func userDataDir(xdg string) (string, error) {
	if filepath.IsAbs(xdg) { // the specification has relative ones ignored
		return filepath.Join(xdg, "tapline"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a data folder: %w; name one with --data-dir", err)
	}
	return filepath.Join(home, ".local", "share", "tapline"), nil
}
