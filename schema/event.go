package schema

import (
	"crypto/sha256"
	"math"
)

// Call is the kind of a Segment call.
type Call uint8

// The calls of Segment's Tracking API. Every CleverTap event is a Track.
const (
	Track Call = iota + 1
	Identify
	Page
	Screen
	Group
	Alias
)

// Micros is an instant in microseconds since 1970-01-01T00:00:00Z; NoTime is none.
type Micros int64

// NoTime is the absence of an instant.
const NoTime Micros = math.MinInt64

// Kind is the kind of a leaf's value.
type Kind uint8

// Kinds of values. There is no kind for null: a null is no leaf. Time is CleverTap's date literal "$D_<epoch seconds>"
// (rule 21), whose instant is in Leaf.Time.
const (
	Bool Kind = iota + 1
	Number
	String
	Array
	Time
)

// Leaf is one value of an event that is not an object. Its byte slices are borrowed from the decoder until its next
// event.
type Leaf struct {
	Path *Path
	// Raw is the JSON literal as sent, strings with their quotes. For a value that was never JSON (a CSV cell) it is
	// the value as a JSON string.
	Raw []byte
	// Text is the value of a String or Time with escapes resolved ("$D_..." stays as it is); for other kinds it is Raw.
	Text []byte
	Time Micros
	Kind Kind
	// Cell says that a String is a cell of CleverTap's CSV, where everything is a text: a new column for it is one too,
	// whatever it looks like (rule 26).
	Cell bool
	// Bad is why the text of a String cannot be stored: NULCharacter or InvalidUnicode (rule 12). Text is then undefined.
	Bad Reason
}

// Discard is a value that a row could not keep as sent.
type Discard struct {
	Column string
	Raw    []byte // the JSON literal as sent
	Reason Reason
	// Path is where the value stood, for UnknownColumn and ColumnLimit: what a column made for it later has to know.
	Path *Path
}

// Event is one decoded record, or what is known of one that could not be decoded. The decoder owns its memory: all
// slices are valid until the decoder's next event. Empty ids are nil.
type Event struct {
	// Reason is why the record goes to quarantine as a whole; empty for a good one. Detail says more, for people.
	Reason Reason
	Detail string
	// Raw are the record's bytes, without the line end; for EventTooLarge at most its first KiB, with RawSize the
	// full size and RawHash the digest of all of it. Line is its line in the unit, counted from 1, Offset its byte.
	Raw     []byte
	RawSize int64
	RawHash [32]byte // set for EventTooLarge, and where Raw has lost a write key
	Line    int64
	Offset  int64
	// Nth says, of a record that goes to quarantine, how many with the same RawDigest the file has up to this one; 0 if
	// its reader does not know more than the unit's other records tell.
	Nth uint64
	// Twin says which of the unit's equal records it is, if its id had to be made, or would have had to be; else 0.
	Twin uint64
	// Origin is the id of its row in quarantine, of a record that is read from there.
	Origin string

	Call Call
	// ID is the messageId, as sent or made by rules 14 and 25. Name is the event as sent, of a Track.
	ID, Name            []byte
	UserID, AnonymousID []byte
	// GroupID of a Group, PreviousID of an Alias, PageName and Category of a Page or Screen. Nil if not sent.
	GroupID, PreviousID, PageName, Category []byte
	// OriginalTimestamp, SentAt and ReceivedAt are as sent, NoTime if they were not or could not be read; Timestamp
	// is corrected by rule 13, and NoTime means "the row's received_at".
	OriginalTimestamp, Timestamp, SentAt, ReceivedAt Micros

	// Context and Properties are the leaves in document order. CleverTap records have been mapped onto Segment's names.
	Context, Properties []Leaf
	// Discards are values that were lost while decoding: invalid timestamps, repeated keys (rules 13 and 15).
	Discards []Discard
}

// RawDigest is what tells the bytes of records in quarantine apart: the digest of the record as it was sent. Raw may be but
// its beginning, or have lost a write key.
func (ev *Event) RawDigest() [32]byte {
	if ev.RawHash != [32]byte{} {
		return ev.RawHash
	}
	return sha256.Sum256(ev.Raw)
}

// Reset empties ev for the next record and keeps its memory.
func (ev *Event) Reset() {
	*ev = Event{
		Context: ev.Context[:0], Properties: ev.Properties[:0], Discards: ev.Discards[:0],
		OriginalTimestamp: NoTime, Timestamp: NoTime, SentAt: NoTime, ReceivedAt: NoTime,
	}
}
