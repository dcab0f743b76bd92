//go:build !broken_sync

package failpoint

// BrokenSync is false but in builds that prove that the crash tests notice it.
const BrokenSync = false
