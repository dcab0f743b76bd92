package localpg

import (
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// maxSocketPath is the longest path of a unix socket in bytes: 107 on Linux, 103 on macOS.
const maxSocketPath = 103

// socketDir is the folder of the unix socket: in home, or, where its path would be too long, a private one in /tmp that
// is found again by the hash of home. A comma too sends it there: clients take it for a list of hosts.
func socketDir(home string, uid int) string {
	dir := filepath.Join(home, "socket")
	if len(filepath.Join(dir, ".s.PGSQL.65535")) <= maxSocketPath && !strings.Contains(dir, ",") {
		return dir
	}
	hash := sha256.Sum256([]byte(home))
	return fmt.Sprintf("/tmp/tapline-%d-%x", uid, hash[:4])
}

// choosePort returns the port of the last start if it is free, else the first free one from a number that depends on
// home. The range is below those from which systems take the ports of outgoing connections (Linux from 32768, macOS
// from 49152), so that the port is likely to be free at the next start too.
func (c *Cluster) choosePort() (int, error) {
	if port := c.port(); port != 0 && portFree(port) {
		return port, nil
	}
	const first, count = 15432, 10000
	hash := fnv.New32a()
	hash.Write([]byte(c.home))
	start := int(hash.Sum32() % count)
	for i := range count {
		if port := first + (start+i)%count; portFree(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find a free port: all from %d to %d on 127.0.0.1 are taken", first, first+count-1)
}

func portFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
