package localpg

// InstallFor, UserDataDir and SocketDir open to the tests what has no other door.
var (
	InstallFor  = installFor
	UserDataDir = userDataDir
	SocketDir   = socketDir
)

// Home is the folder of everything that belongs to the cluster.
func (c *Cluster) Home() string { return c.home }

// Account is the account the server runs as.
func (c *Cluster) Account() (uid, gid int) { return c.account.uid, c.account.gid }

// BlockedBy is account.blockedBy for an account of these numbers.
func BlockedBy(uid, gid int, path string) string { return account{uid: uid, gid: gid}.blockedBy(path) }
