package config

import (
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
}

// Server is a Postgres that is named by somebody. The zero Server means the private one.
type Server struct {
	DSN    string // empty if pgx is to read the PG variables
	Origin string // where it was named: --dsn, DATABASE_URL, or the PG variable
}

// Server returns the Postgres to use: --dsn, then DATABASE_URL, then the PG variables if any of them names a server.
func (d Database) Server(env func(string) string) Server {
	if d.DSN != "" {
		return Server{d.DSN, "--dsn"}
	}
	if dsn := env("DATABASE_URL"); dsn != "" {
		return Server{dsn, "DATABASE_URL"}
	}
	for _, name := range []string{"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGPORT", "PGDATABASE"} {
		if env(name) != "" {
			return Server{"", name}
		}
	}
	return Server{}
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
