// Package source declares what a source of events is: a series of units, each a nameable piece that can be read again
// and that is loaded whole or not at all. It is the leaf that the sources and the loader share.
package source

import (
	"context"
	"iter"

	"github.com/tapline/tapline/schema"
)

// Source yields units in the order they are to be loaded.
type Source interface {
	// Units yields each unit, or an error that concerns one of them alone (a file that cannot be read) and names it: the
	// loader reports it as it is and goes on.
	Units(ctx context.Context) iter.Seq2[Unit, error]
}

// Unit is one piece of a source: a file, or all of the standard input. One that was told where temporary files may be made
// has a method TempDir() string that says so, for those that are made on its behalf.
type Unit interface {
	// Key identifies the piece in the ledger: the same key is the same bytes (rule 33).
	Key() string
	// Name is the piece as people know it: a path, stdin.
	Name() string
	// Size is how many bytes there are to read, before decompression; 0 if that is not known.
	Size() int64
	// Open starts reading from the first record. It may be called again after the Reader was closed: a unit that had
	// to be rolled back is read again. paths interns the paths of this source; the Reader uses it alone. The error names
	// the unit.
	Open(ctx context.Context, paths *schema.Paths) (Reader, error)
}

// Former is a Reader whose records can be read again by themselves. Without it, what it gives to quarantine stays there.
type Former interface {
	// Form says what has to be known to read the record that Next gave last again, as a JSON object.
	Form() ([]byte, error)
}

// Kinds of units, as the ledger has them. A unit is a file unless it has a method Kind that says otherwise.
const (
	KindFile = "file"
	// KindReplay is a unit whose records wait in the source's quarantine already: those that are taken are marked there, the
	// others stay as they are. Without any that is taken, nothing is committed.
	KindReplay = "replay"
)

// KindOf returns the kind of a unit.
func KindOf(u Unit) string {
	if k, ok := u.(interface{ Kind() string }); ok {
		return k.Kind()
	}
	return KindFile
}

// Reader reads the records of a unit in order.
type Reader interface {
	// Next decodes the next record into ev. A record that cannot be decoded is no error: ev.Reason says why. Errors
	// are io.EOF at the clean end, or a reason why the unit as a whole must not be loaded (a bad checksum, ...), with the
	// unit's name.
	Next(ev *schema.Event) error
	// Read is how many of the unit's Size bytes have been read. Other goroutines may call it.
	Read() int64
	// Notes are counts about the unit for its summary, such as local hours that do not exist. Valid after io.EOF.
	Notes() Notes
	Close() error
}

// Notes count what a reader met that is worth a line in the summary.
type Notes struct {
	AmbiguousHours int64 // local times that exist twice: the earlier was taken (rule 24)
	MissingHours   int64 // local times that do not exist: shifted forward
	Future         int64 // events later than the load
	TimeZone       string
}
