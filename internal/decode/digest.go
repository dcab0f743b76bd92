package decode

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/tapline/tapline/schema"
)

// Occurrences counts equal records of one unit, so that true twins keep one id each and a second reading of the unit
// gives them the same ids again (rules 14 and 25). Its memory is bounded.
type Occurrences interface {
	// Next returns how often digest was met so far, this time included: 1 for the first.
	Next(digest [32]byte) (uint64, error)
}

// Digest is the digest of a record's bytes.
func Digest(raw []byte) [32]byte { return sha256.Sum256(raw) }

// TooLarge makes ev the record that a line over its limit becomes: its first KiB, size and digest (rule 14). prefix
// may be the whole line. It is also for readers that do not hold such lines.
func TooLarge(ev *schema.Event, prefix []byte, size int64, digest [32]byte) {
	ev.Reset()
	ev.Reason = schema.EventTooLarge
	ev.Raw, ev.RawSize, ev.RawHash = redactBroken(prefix[:min(len(prefix), KeptOfTooLarge)]), size, digest
	ev.Raw = ev.Raw[:min(len(ev.Raw), KeptOfTooLarge)]
}

// makeID returns prefix and 32 hexadecimal digits for the n-th record with this digest. It lives as long as the event.
func (d *Decoder) makeID(ev *schema.Event, prefix string, digest [32]byte) []byte {
	n := uint64(1)
	if d.opt.Occurrences != nil {
		var err error
		if n, err = d.opt.Occurrences.Next(digest); err != nil && d.err == nil {
			d.err = err
		}
	}
	ev.Twin = n
	var numbered [40]byte
	copy(numbered[:], digest[:])
	binary.BigEndian.PutUint64(numbered[32:], n)
	return d.hexID(prefix, sha256.Sum256(numbered[:]))
}

// hexID returns prefix and the first 16 bytes of sum in hexadecimal.
func (d *Decoder) hexID(prefix string, sum [32]byte) []byte {
	from := len(d.scratch)
	d.scratch = append(d.scratch, prefix...)
	d.scratch = hex.AppendEncode(d.scratch, sum[:16])
	return d.scratch[from:len(d.scratch):len(d.scratch)]
}

// Unreadable makes ev the record that bytes become of which nothing can be read. detail says why.
func Unreadable(ev *schema.Event, raw []byte, detail string) {
	ev.Reset()
	ev.Raw, ev.RawSize = raw, int64(len(raw))
	quarantine(ev, schema.InvalidJSON, detail)
}
