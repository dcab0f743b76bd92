//go:build broken_ledger

package failpoint

// BrokenLedger is set in the builds that prove that the crash tests notice it.
const BrokenLedger = true
