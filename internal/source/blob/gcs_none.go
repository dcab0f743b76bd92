//go:build nogcs

package blob

// gcsStore is not built in.
func gcsStore() *store { return nil }
