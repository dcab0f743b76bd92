//go:build broken_sync

package failpoint

// BrokenSync is set in the builds that prove that the crash tests notice it.
const BrokenSync = true
