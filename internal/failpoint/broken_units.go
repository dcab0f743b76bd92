//go:build broken_units

package failpoint

// BrokenUnits is set in the builds that prove that the crash tests notice it.
const BrokenUnits = true
