// Package decode turns bytes into schema.Event: Segment's calls, CleverTap's export files and API records, as JSON
// lines and as CSV.
//
// One record is read in one pass by a scanner of our own, strictly (RFC 8259), without maps and, in steady state,
// without allocation. Whatever the fast pass cannot decide (an error, a repeated key) is left to a slow one that
// classifies the whole record in the order of rule 18.
//
// What is not a record's: unknown keys of an envelope are checked as JSON and ignored, and so are the traits of calls
// other than identify and group. The properties of an identify or group count as further traits, after the traits.
package decode

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/tapline/tapline/schema"
)

// Limits of what is read (rules 14 and 28), in bytes.
const (
	MaxEvent       = 32_768  // one record
	MaxBatch       = 512_000 // one line of a batch of Segment calls
	KeptOfTooLarge = 1_024   // of a record over its limit
)

// Kind is the shape of the records to decode.
type Kind uint8

// The kinds of records. Both JSON kinds are one record a line, or a whole batch or API page on one line.
const (
	Segment Kind = iota + 1
	CleverTap
	SegmentCSV
	CleverTapCSV
)

// String returns the kind as people write it.
func (k Kind) String() string {
	switch k {
	case Segment:
		return "segment"
	case CleverTap:
		return "clevertap"
	case SegmentCSV:
		return "segment-csv"
	case CleverTapCSV:
		return "clevertap-csv"
	}
	return "unknown"
}

// Options say how to decode. Kind and Paths are always needed; for CleverTap's kinds Location and Account too.
type Options struct {
	Kind  Kind
	Paths *schema.Paths // of the source; used by one decoder at a time
	// Occurrences counts equal records of the unit. Defaults to none: equal records then get equal ids.
	Occurrences Occurrences
	// Arrival is when the records arrived, for those that carry no receivedAt of their own; it makes the correction of
	// clocks possible (rule 13). Defaults to unknown: set it at the HTTP door only. Zero is unknown too.
	Arrival schema.Micros

	// Location is the project's time zone, Account its id (rules 24 and 25).
	Location *time.Location
	Account  string
	// EventName is the event of records that do not name theirs.
	EventName string
	// Within says that lines of the unit came before: the first one is a record, whatever it looks like (rule 26).
	Within bool
	// UserIdentity says what the user_id is: identity, email, phone or clevertap_id. Defaults to identity.
	UserIdentity string
	// Digest returns the digest of a record's bytes as they were sent, for ids. Defaults to SHA-256: who has them with masked
	// write keys knows better.
	Digest func(raw []byte) [32]byte
	// FoldEvent returns the catalogue's spelling of an event's name, if it is one of the catalogue's. It must not keep
	// its argument. Defaults to schema.FoldEvent.
	FoldEvent func(name []byte) (canonical string, ok bool)
}

// Decoder decodes the lines of one unit. It is not safe for use by several goroutines, and an event it filled is valid
// until its next one.
//
//	for ok := d.Line(line, &ev); ok; ok = d.Next(&ev) {
//		...
//	}
type Decoder struct {
	opt   Options
	paths *schema.Paths
	top   *schema.Paths // keys of envelopes
	root  *schema.Path  // whose mark counts objects
	err   error
	lines int64
	call  schema.Call // of records that say no type

	scratch []byte // resolved strings and made ids of the current event
	keep    int    // how much of scratch belongs to the current batch
	open    []byte // skip's stack
	slow    bool
	fault   fault

	env     [fieldCount]token
	seen    uint32 // bit per field
	wrong   uint32 // sections that are no object
	props   section
	traits  section // of a Segment call; a CleverTap record's session properties
	context section
	batch   batch

	// For CleverTap only.
	names *names
	clock clock
	canon canon
	event []byte // of records that do not name theirs
}

// New returns a decoder. The error says which option is missing or unknown.
func New(opt Options) (*Decoder, error) {
	if opt.Paths == nil {
		return nil, errors.New("decode events: no paths given")
	}
	if opt.Arrival == 0 {
		opt.Arrival = schema.NoTime
	}
	d := &Decoder{
		opt: opt, paths: opt.Paths, top: schema.NewPaths(4096), root: opt.Paths.Root(schema.SectionProperty),
		scratch: make([]byte, 0, 4096), open: make([]byte, 0, maxDepth),
	}
	if opt.Digest == nil {
		d.opt.Digest = Digest
	}
	if opt.Within {
		d.lines = 1
	}
	switch opt.Kind {
	case Segment, SegmentCSV:
		return d, nil
	case CleverTap, CleverTapCSV:
		if err := d.setUpCleverTap(); err != nil {
			return nil, fmt.Errorf("decode CleverTap records: %w", err)
		}
		return d, nil
	}
	return nil, fmt.Errorf("decode events: unknown kind %d", opt.Kind)
}

// Arrive says of the lines that are given from now on when they arrived, instead of Options.Arrival, and which call the single
// one of a line is that does not say so itself: at the HTTP door the path does. 0 is no call.
func (d *Decoder) Arrive(at schema.Micros, call schema.Call) { d.opt.Arrival, d.call = at, call }

// Err returns the first error of Occurrences. Events decoded after it must not be loaded.
func (d *Decoder) Err() error { return d.err }

// Position returns the options EventName and Within of a decoder that is to go on after this one's last line.
func (d *Decoder) Position() (eventName string, within bool) { return string(d.event), d.lines > 0 }

// Line decodes the first record of line into ev and reports whether there was one: blank lines, empty batches and a
// first line that only names the event have none. line is given without or with its line end and must stay
// unchanged until the last of its events has been used. Records that cannot be decoded are events with a Reason.
func (d *Decoder) Line(line []byte, ev *schema.Event) bool {
	d.batch.rest, d.batch.shared, d.keep = nil, nil, 0
	line = trimEnd(line)
	if i := space(line, 0); i == len(line) {
		return false
	}
	d.lines++
	if d.opt.Kind == CleverTap && d.lines == 1 && d.nameLine(line) {
		return false
	}
	if len(line) > MaxEvent {
		return d.startBatch(line, ev)
	}
	if d.record(line, ev) == faultMany {
		return d.startBatch(line, ev)
	}
	return true
}

// trimEnd cuts the line end, which is no part of the record.
func trimEnd(line []byte) []byte {
	n := len(line)
	if n > 0 && line[n-1] == '\n' {
		n--
	}
	if n > 0 && line[n-1] == '\r' {
		n--
	}
	return line[:n]
}

// record decodes the one record that raw holds. It returns faultMany, and nothing in ev, if there are several.
func (d *Decoder) record(raw []byte, ev *schema.Event) fault {
	d.begin(raw, ev)
	if len(raw) > MaxEvent {
		TooLarge(ev, raw, int64(len(raw)), sha256.Sum256(raw))
		return faultNone
	}
	if !utf8.Valid(raw) {
		quarantine(ev, schema.InvalidUTF8, "")
		return faultNone
	}
	f := d.scan(raw)
	if f == faultSlow {
		d.slow = true
		d.begin(raw, ev)
		f = d.scan(raw)
		d.slow = false
	}
	switch {
	case f == faultMany:
	case f == faultRepeat:
		quarantine(ev, schema.DuplicateKey, "a key of the record itself is repeated")
	case f != faultNone:
		reason, detail := d.classify(raw)
		quarantine(ev, reason, detail)
	case d.opt.Kind == CleverTap:
		d.finishCleverTap(ev)
	default:
		d.finishCall(ev)
	}
	return f
}

// begin forgets the last record.
func (d *Decoder) begin(raw []byte, ev *schema.Event) {
	ev.Reset()
	ev.Raw, ev.RawSize = raw, int64(len(raw))
	d.scratch = d.scratch[:d.keep]
	d.seen, d.wrong = 0, 0
	d.props.reset()
	d.traits.reset()
	d.context.reset()
}

// quarantine makes ev a record that cannot be loaded. Its bytes lose their write keys here, once for everybody.
func quarantine(ev *schema.Event, reason schema.Reason, detail string) {
	ev.Reason, ev.Detail = reason, detail
	redact := Redact
	switch reason {
	case schema.InvalidJSON, schema.InvalidUTF8, schema.NestingTooDeep, schema.NotAnObject:
		redact = redactBroken
	}
	if masked := redact(ev.Raw); !bytes.Equal(masked, ev.Raw) {
		ev.RawHash = sha256.Sum256(ev.Raw)
		ev.Raw = masked
	}
	ev.Properties, ev.Context, ev.Discards = nil, nil, ev.Discards[:0]
}

// isBlank reports whether text is nothing but ASCII white space.
func isBlank(text []byte) bool {
	for _, c := range text {
		if c != ' ' && (c < '\t' || c > '\r') {
			return false
		}
	}
	return true
}
