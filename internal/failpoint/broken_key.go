//go:build broken_key

package failpoint

// BrokenKey is set in the builds that prove that the crash tests notice it.
const BrokenKey = true
