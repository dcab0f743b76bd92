package localpg

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// prepare makes the folders. It changes no folder that exists: their rights are their owner's business.
func (c *Cluster) prepare() error {
	if err := c.checkWay(); err != nil {
		return err
	}
	if err := c.makeParents(filepath.Dir(c.home)); err != nil {
		return err
	}
	if err := c.makePrivate(c.home); err != nil {
		return err
	}
	return c.makePrivate(c.socket)
}

// checkWay makes sure that the server's account gets to its data and its programs, because the error of initdb would
// name neither the reason nor the folder.
func (c *Cluster) checkWay() error {
	if !c.account.drop {
		return nil
	}
	if folder := c.account.blockedBy(filepath.Dir(c.home)); folder != "" {
		return fmt.Errorf("use data folder %s: Postgres runs as %q, because it refuses to run as root, and that account "+
			"cannot enter %s; choose a folder it can reach with --data-dir, such as %s",
			filepath.Dir(c.home), c.account.name, folder, rootDataDir)
	}
	if folder := c.account.blockedBy(c.bin.Dir); folder != "" {
		return fmt.Errorf("use Postgres in %s: it runs as %q, because it refuses to run as root, and that account cannot "+
			"enter %s; install Postgres where every account can reach it", c.bin.Dir, c.account.name, folder)
	}
	return nil
}

// makeParents makes dir and what is missing above it. Root's are open to all, whatever the umask: the server's account
// must pass them. What is worth hiding lies in home, which is private.
func (c *Cluster) makeParents(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("use data folder: %s is not a folder", dir)
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("use data folder: %w", err)
	}
	if err := c.makeParents(filepath.Dir(dir)); err != nil {
		return err
	}
	mode := os.FileMode(0o700)
	if c.account.drop {
		mode = 0o755
	}
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make data folder: %w; choose another with --data-dir", err)
	}
	if !c.account.drop {
		return nil
	}
	return os.Chmod(dir, mode)
}

// makePrivate makes a folder for the server's account alone, or makes sure that an existing one is.
func (c *Cluster) makePrivate(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make folder: %w; choose another place with --data-dir", err)
	}
	if err == nil && c.account.drop {
		return c.own(dir)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("inspect folder: %w", err)
	}
	uid, _, err := owner(dir)
	switch {
	case err != nil:
		return fmt.Errorf("inspect folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("use %s: it is not a folder", dir)
	case uid == 0 && c.account.drop:
		return c.takeOver(dir)
	case uid != c.account.uid:
		return fmt.Errorf("use %s: it belongs to %s, not to %s", dir, accountName(uid), c.account.name)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("use %s: other accounts can enter it (mode %#o); make it private with chmod 700", dir,
			info.Mode().Perm())
	}
	return nil
}

// takeOver gives a folder of root's to the server's account if it is empty: another process has just made it and is about
// to do the same.
func (c *Cluster) takeOver(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("inspect folder: %w", err)
	}
	if len(entries) == 0 {
		return c.own(dir)
	}
	if uid, _, err := owner(dir); err != nil || uid == 0 {
		return fmt.Errorf("use %s: it belongs to root and is not empty, and Postgres cannot run as root: move it away, "+
			"or choose another folder with --data-dir", dir)
	}
	return nil
}

// own gives a file or folder to the server's account.
func (c *Cluster) own(path string) error {
	if !c.account.drop {
		return nil
	}
	if err := os.Lchown(path, c.account.uid, c.account.gid); err != nil {
		return fmt.Errorf("hand over to %s: %w", c.account.name, err)
	}
	return nil
}

// writeFile replaces a small private file in home as a whole: a reader sees the old or the new text.
func (c *Cluster) writeFile(name, text string) error {
	f, err := os.CreateTemp(c.home, name+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already if all went well
	_, err = f.WriteString(text + "\n")
	if err == nil && !c.noSync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := c.own(f.Name()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(c.home, name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (c *Cluster) readFile(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(c.home, name))
	return strings.TrimSpace(string(text)), err
}

func (c *Cluster) password() (string, error) {
	password, err := c.readFile("password")
	if err != nil {
		return "", fmt.Errorf("read password of the local Postgres: %w", err)
	}
	return password, nil
}

// makePassword makes the password unless an earlier, interrupted creation of the cluster did.
func (c *Cluster) makePassword() error {
	_, err := c.readFile("password")
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return c.writeFile("password", rand.Text())
}

// port is the TCP port of the last start; 0 before the first.
func (c *Cluster) port() int {
	text, err := c.readFile("port")
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return 0
	}
	return port
}
