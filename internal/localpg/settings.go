package localpg

import (
	"maps"
	"slices"
	"strings"
)

// defaults are the settings of a server that mostly loads. What is not here is as Postgres has it: above all fsync and
// synchronous_commit stay on.
func (c *Cluster) defaults() map[string]string {
	return map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": `"` + strings.ReplaceAll(c.socket, `"`, `""`) + `"`,
		"unix_socket_permissions": "0700",
		"cluster_name":            "tapline",
		"shared_buffers":          "256MB",
		"max_wal_size":            "4GB", // the default of 1GB makes a checkpoint every few seconds of a large COPY
		"wal_compression":         "on",
		"checkpoint_timeout":      "15min",
		"maintenance_work_mem":    "256MB", // building the index of a key
	}
}

func merge(base, over map[string]string) map[string]string {
	out := maps.Clone(base)
	maps.Copy(out, over)
	return out
}

// serverArgs are the arguments of postgres, in a fixed order.
func serverArgs(dataDir string, settings map[string]string) []string {
	args := []string{"-D", dataDir}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}
