package localpg

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// account is who the server runs as. Postgres refuses to run as root.
type account struct {
	uid, gid int
	name     string
	drop     bool // this process is root and has to become that account
}

// serverAccount decides who runs the cluster in home. A cluster keeps its owner: root can start the one of an ordinary
// user, whose files then stay theirs.
func serverAccount(home, want string) (account, error) {
	uid := os.Geteuid()
	ownerUID, ownerGID, err := owner(home)
	exists := err == nil
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return account{}, fmt.Errorf("inspect data folder: %w", err)
	}
	wanted, err := wantedAccount(want, uid)
	switch {
	case err != nil:
		return account{}, err
	case uid != 0 && want != "" && wanted.uid != uid:
		return account{}, fmt.Errorf("run Postgres as %q: only root can do that", want)
	case exists && ownerUID != uid && (uid != 0 || want != "" && ownerUID != wanted.uid):
		return account{}, fmt.Errorf("the cluster in %s belongs to %s: run as that account or as root, "+
			"or choose another folder with --data-dir", home, accountName(ownerUID))
	case exists && ownerUID != 0: // root's is one that is being made: makePrivate judges
		return account{ownerUID, ownerGID, accountName(ownerUID), uid == 0}, nil
	}
	return wanted, nil
}

func wantedAccount(want string, uid int) (account, error) {
	names := []string{want}
	if want == "" {
		if uid != 0 {
			return account{uid, os.Getegid(), accountName(uid), false}, nil
		}
		names = []string{"postgres", "nobody"}
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return account{}, fmt.Errorf("look up account %q: %w", name, err)
		}
		if uid == 0 {
			return account{}, fmt.Errorf("run Postgres as %q: Postgres refuses to run as root", name)
		}
		return account{uid, gid, name, os.Geteuid() == 0}, nil
	}
	return account{}, fmt.Errorf("find an account to run Postgres as: this machine has none of %q, "+
		"and Postgres refuses to run as root", names)
}

func accountName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// blockedBy returns the first folder on the way to path, path included, that the account cannot pass, or "". Folders
// that do not exist yet block nobody.
func (a account) blockedBy(path string) string {
	path = resolve(path)
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != filepath.Separator {
			continue
		}
		folder := path[:i]
		info, err := os.Stat(folder)
		if err != nil {
			return ""
		}
		uid, gid, err := owner(folder)
		if err != nil {
			return ""
		}
		bit := os.FileMode(0o001)
		switch {
		case uid == a.uid:
			bit = 0o100
		case gid == a.gid:
			bit = 0o010
		}
		if info.IsDir() && info.Mode()&bit == 0 {
			return folder
		}
	}
	return ""
}

// resolve follows the symbolic links of the part of path that exists.
func resolve(path string) string {
	for at, rest := path, ""; ; {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		parent := filepath.Dir(at)
		if parent == at {
			return path
		}
		at, rest = parent, filepath.Join(filepath.Base(at), rest)
	}
}
