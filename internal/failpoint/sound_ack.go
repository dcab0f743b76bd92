//go:build !broken_ack

package failpoint

// BrokenAck is false but in builds that prove that the crash tests notice it.
const BrokenAck = false
