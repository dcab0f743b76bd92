//go:build !broken_ledger

package failpoint

// BrokenLedger is false but in builds that prove that the crash tests notice it.
const BrokenLedger = false
