package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Database says which Postgres to use.
type Database struct {
	// DSN is that of --dsn.
	DSN string
	// DataDir is the folder of the private Postgres. Defaults to localpg's choice.
	DataDir string
	// File is the configuration file that says FileEnv, the variable in place of DATABASE_URL, or FileDSN, a DSN.
	File, FileEnv, FileDSN string
}

// Server is a Postgres that is named by somebody. The zero Server means the private one.
type Server struct {
	DSN    string // empty if pgx is to read the PG variables
	Origin string // where it was named: --dsn, DATABASE_URL, or the PG variable
}

// Server returns the Postgres to use: --dsn, then DATABASE_URL, then the PG variables if any of them names a server, then
// the configuration file's. A variable that the file names instead of DATABASE_URL must be there: what is meant for that
// server must not go into another one, or the private one, in silence. The error is an *Error then.
func (d Database) Server(env func(string) string) (Server, error) {
	variable := cmp.Or(d.FileEnv, "DATABASE_URL")
	switch dsn := env(variable); {
	case d.DSN != "":
		return Server{d.DSN, "--dsn"}, nil
	case dsn != "":
		return Server{dsn, variable}, nil
	case d.FileEnv != "":
		return Server{}, &Error{
			variable, "", "the environment variable is not set, and dsn_env in " + d.File + " names it",
			"set it to the DSN of the Postgres to use, or give --dsn",
		}
	}
	for _, name := range []string{"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGPORT", "PGDATABASE"} {
		if env(name) != "" {
			return Server{"", name}, nil
		}
	}
	if d.FileDSN != "" {
		return Server{d.FileDSN, "dsn in " + d.File}, nil
	}
	return Server{}, nil
}

// Private reports whether nobody named a server.
func (s Server) Private() bool { return s.Origin == "" }

// Show returns a configuration as a URL without its password.
func Show(c *pgconn.Config) string {
	u := url.URL{Scheme: "postgres", User: url.User(c.User), Path: "/" + c.Database}
	if strings.HasPrefix(c.Host, "/") {
		u.RawQuery = "host=" + strings.NewReplacer("%2F", "/", "+", "%20").Replace(url.QueryEscape(c.Host))
		if c.Port != 5432 {
			u.RawQuery += fmt.Sprintf("&port=%d", c.Port)
		}
		return u.String()
	}
	u.Host = net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
	return u.String()
}

// keyPassword matches the password of a DSN of keywords: password='it”s secret'.
var keyPassword = regexp.MustCompile(`(?i)(?:^|\s+)password\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)*)`)

// ForPsql returns a DSN as psql takes it, without its password, which belongs into PGPASSWORD: arguments can be read by
// everybody on the machine. Settings that only pgx knows are left out.
func ForPsql(dsn string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return strings.TrimSpace(keyPassword.ReplaceAllString(dsn, "")), nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the DSN is no URL") // url's own error would show it
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	for name := range q {
		if name == "password" || strings.HasPrefix(name, "pool_") || strings.HasSuffix(name, "_cache_capacity") ||
			name == "default_query_exec_mode" {
			q.Del(name)
		}
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // libpq does not read + as a space
	return u.String(), nil
}
