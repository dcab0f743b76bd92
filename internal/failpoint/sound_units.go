//go:build !broken_units

package failpoint

// BrokenUnits is false but in builds that prove that the crash tests notice it.
const BrokenUnits = false
