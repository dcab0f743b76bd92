package localpg

import (
	"os"
	"path/filepath"
)

// ownService is a service without settings, in a file of the cluster's.
const ownService = "tapline"

// OwnDSN is DSN for this program's own connections through pgx: PG variables that are meant for other servers, such as
// PGTARGETSESSIONATTRS or PGREQUIREAUTH, do not reach it. Other programs may not know all of its settings. It is empty
// before the first Start.
func (c *Cluster) OwnDSN(database string) string {
	dsn := c.DSN(database)
	if dsn == "" {
		return ""
	}
	dsn += "&target_session_attrs=any&channel_binding=disable&require_auth=&options="
	if os.Getenv("PGSERVICE") != "" { // there is no other way to say that it is not meant
		dsn += "&service=" + ownService + "&servicefile=" + escape(filepath.Join(c.home, "pg_service.conf"))
	}
	return dsn
}

// writeService writes the file that OwnDSN names.
func (c *Cluster) writeService() error { return c.writeFile("pg_service.conf", "["+ownService+"]") }
