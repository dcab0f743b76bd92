//go:build broken_answer

package failpoint

// BrokenAnswer is set in the builds that prove that the crash tests notice it.
const BrokenAnswer = true
