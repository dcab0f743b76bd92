//go:build !broken_answer

package failpoint

// BrokenAnswer is false but in builds that prove that the crash tests notice it.
const BrokenAnswer = false
