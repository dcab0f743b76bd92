//go:build broken_ack

package failpoint

// BrokenAck is set in the builds that prove that the crash tests notice it.
const BrokenAck = true
