// Package localpg runs a private Postgres for people who have none: a cluster in a data folder, reached over a unix
// socket and a loopback port, that outlives the process that started it.
//
// Everything lies in the folder "postgres" below the data folder and belongs to the account the server runs as:
//
//	data/       the cluster           server.log  what the server wrote
//	socket/     its unix socket       password    of the role tapline, for TCP
//	lock        held by Start, Stop   port        the TCP port, kept between starts
//
// Who may connect: whoever can reach the socket is trusted, because its folder has mode 0700 and so only the account
// itself and root can. The alternative, peer authentication, needs a map from root to the role and breaks when root
// starts a server that runs as postgres. The loopback port can be reached by every local account and therefore asks for
// a random password (scram-sha-256).
package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Role is the superuser of the cluster, Database the database that Start creates in it.
const (
	Role     = "tapline"
	Database = "tapline"
)

// Options change how a cluster is run. The zero value is good for production.
type Options struct {
	// Settings are postgresql.conf settings that win over Tapline's own. They take effect when the server starts, not
	// in one that runs already.
	Settings map[string]string
	// Logger hears of what takes long. Defaults to silence.
	Logger *slog.Logger
	// User is the account the server runs as when the process is root. Defaults to the owner of an existing cluster,
	// then "postgres", then "nobody".
	User string
	// Search is where to look for the server's programs. Defaults to DefaultSearch.
	Search *Search
	// NoSync makes the creation of the cluster not wait for the disk. For clusters that need not survive a power cut.
	NoSync bool
}

// Cluster is one private Postgres. All its state is in the data folder, so that any number of Clusters, in any number of
// processes, can stand for the same one. Its methods may be called from several goroutines.
type Cluster struct {
	bin      Binaries
	account  account
	home     string
	socket   string
	settings map[string]string
	noSync   bool
	log      *slog.Logger
}

// Status is what is known of a cluster.
type Status struct {
	Running bool
	PID     int    // 0 unless running
	Port    int    // 0 before the first start
	Socket  string // the folder of the unix socket
	DataDir string // Postgres's own data folder
	LogFile string
	Version string // of the programs, such as "15.14"
	DSN     string // of the database tapline; see Cluster.DSN
}

// Open returns the cluster of a data folder, which need not exist yet. It starts nothing and writes nothing. Errors are a
// *NotFoundError if there is no Postgres on this machine, a *VersionError if there is none that can read the folder.
func Open(dataDir string, opts Options) (*Cluster, error) {
	for _, name := range []string{"port", "unix_socket_directories", "data_directory"} {
		if _, ok := opts.Settings[name]; ok {
			return nil, fmt.Errorf("set %s of the local Postgres: it chooses that itself", name)
		}
	}
	dataDir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, fmt.Errorf("resolve data folder: %w", err)
	}
	c := &Cluster{home: filepath.Join(dataDir, "postgres"), noSync: opts.NoSync, log: opts.Logger}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.account, err = serverAccount(c.home, opts.User); err != nil {
		return nil, err
	}
	search := opts.Search
	if search == nil {
		search = DefaultSearch()
	}
	if c.bin, err = c.findBinaries(search); err != nil {
		return nil, err
	}
	c.socket = socketDir(c.home, c.account.uid)
	c.settings = merge(c.defaults(), opts.Settings)
	return c, nil
}

// findBinaries finds programs of the version that made the data, if there is data: a newer Postgres that was installed
// beside it must not lock people out.
func (c *Cluster) findBinaries(search *Search) (Binaries, error) {
	major, err := c.dataMajor()
	if err != nil {
		return Binaries{}, err
	}
	if major == 0 {
		return search.Find()
	}
	installed := search.all()
	for _, b := range installed {
		if b.Major == major {
			return b, nil
		}
	}
	if len(installed) == 0 {
		return search.Find()
	}
	return Binaries{}, &VersionError{DataDir: c.dataDir(), Major: major, Installed: installed}
}

// DSN is the URL of a database over the unix socket, for pgx and psql alike. It holds no secret: the rights to the
// socket's folder are the authentication. It is empty before the first Start.
func (c *Cluster) DSN(database string) string {
	port := c.port()
	if port == 0 {
		return ""
	}
	return fmt.Sprintf("postgres://%s@/%s?host=%s&port=%d", Role, url.PathEscape(database), escape(c.socket), port)
}

// TCPDSN is the URL of a database over the loopback port, for programs that cannot use a unix socket or run as another
// account. It holds the password. The cluster must have been started once.
func (c *Cluster) TCPDSN(database string) (string, error) {
	port := c.port()
	password, err := c.password()
	if err != nil {
		return "", err
	}
	if port == 0 {
		return "", errors.New("the local Postgres was never started")
	}
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable",
		Role, escape(password), port, url.PathEscape(database)), nil
}

// PasswordFile is the file that holds the role's password for TCP. Its owner and root can read it.
func (c *Cluster) PasswordFile() string { return filepath.Join(c.home, "password") }

// Psql is the path of psql, or empty if this machine has none.
func (c *Cluster) Psql() string { return c.bin.Psql }

// Binaries are the programs the cluster is run with.
func (c *Cluster) Binaries() Binaries { return c.bin }

// Status reads from the data folder how the cluster is. A cluster that was never started is no error.
func (c *Cluster) Status(_ context.Context) (Status, error) {
	pm, running, err := c.running()
	if err != nil {
		return Status{}, err
	}
	st := Status{
		Running: running, Port: c.port(), Socket: c.socket, DataDir: c.dataDir(), LogFile: c.logFile(),
		Version: c.bin.Version, DSN: c.DSN(Database),
	}
	if running {
		st.PID = pm.pid
	}
	return st, nil
}

func (c *Cluster) dataDir() string { return filepath.Join(c.home, "data") }
func (c *Cluster) logFile() string { return filepath.Join(c.home, "server.log") }

// dataMajor is the major version that made the data; 0 if there is none.
func (c *Cluster) dataMajor() (int, error) {
	text, err := os.ReadFile(filepath.Join(c.dataDir(), "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read version of the data: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read version of the data in %s: %w", c.dataDir(), err)
	}
	return major, nil
}

// escape is url.QueryEscape with spaces as %20: libpq takes a plus sign for a plus sign.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
