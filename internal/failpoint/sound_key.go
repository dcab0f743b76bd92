//go:build !broken_key

package failpoint

// BrokenKey is false but in builds that prove that the crash tests notice it.
const BrokenKey = false
