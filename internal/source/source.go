// Package source declares what a source of events is: a series of units, each a nameable piece that can be read again
// and that is loaded whole or not at all. It is the leaf that the sources and the loader share.
package source

import (
	"context"
	"iter"
	"time"

	"github.com/tapline/tapline/schema"
)

// Source yields units in the order they are to be loaded.
type Source interface {
	// Units yields each unit, or an error that concerns one of them alone (a file that cannot be read) and names it: the
	// loader reports it as it is and goes on.
	//
	// The loader asks in a goroutine of its own: after a small unit (see loader.Config) at once, up to Ahead units before it
	// opens them, so that it knows which ones are there to share a transaction; after any other one when that is loaded or,
	// if it is large, when a worker has it. What a unit holds before it is opened should be little. A source that has no
	// unit now just blocks until it has one, or until ctx ends; nothing that it yielded before waits for that.
	Units(ctx context.Context) iter.Seq2[Unit, error]
}

// Ahead is how many small units a loader asks for before it opens them, at most.
const Ahead = 256

// Unit is one piece of a source: a file, an object, a frame of a stream, a window of an API.
//
// A unit may have further methods, which say more of it:
//
//	Kind() string     what it is, see the Kind constants; without it, a file.
//	Again() bool      of a KindWindow: whether it has to be read although it is in the ledger already.
//	Began() time.Time of a KindWindow: when its reading began, which the ledger keeps as the time it was loaded at.
//	More() bool       whether the source yields another unit without delay. A group of small units (see loader.Config)
//	                  then waits for that one; after false it closes. Without it a group takes the units that are there.
//	TempDir() string  where temporary files may be made on its behalf.
type Unit interface {
	// Key identifies the piece in the ledger: the same key is the same bytes (rule 33), but for a window's.
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

// Kinds of units, as the ledger has them.
const (
	// KindFile is a file, or all of the standard input. It is immutable: one that is in the ledger is not read again.
	KindFile = "file"
	// KindObject is an object of an object store. It is treated as a file is.
	KindObject = "object"
	// KindFrame is a frame of a durable stream. Frames that share a transaction are one load: one row in _loads, one
	// uuid_ts, that of the first; each has its own row in _units. (Of files and objects each is a load of its own.)
	KindFrame = "frame"
	// KindWindow is a part of what an API tells that may still grow: one event on one day. It is read again while its Again
	// says so, and only added to. Each reading is a load of its own; the window's row in _units names the last one. It is
	// never in a group.
	KindWindow = "window"
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

// Again reports whether a unit has to be read although the ledger has it: a window that is open, or recent enough for
// late events.
func Again(u Unit) bool {
	w, ok := u.(interface{ Again() bool })
	return ok && KindOf(u) == KindWindow && w.Again()
}

// Began returns when the reading of a window began; of any other unit, and if it does not say, the zero Time.
func Began(u Unit) time.Time {
	if w, ok := u.(interface{ Began() time.Time }); ok && KindOf(u) == KindWindow {
		return w.Began()
	}
	return time.Time{}
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
