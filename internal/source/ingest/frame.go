package ingest

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/tapline/tapline/schema"
)

// A frame is
//
//	"TLF", version   4 bytes
//	checksum         4 bytes: CRC-32C of all that follows, big-endian
//	id               8 bytes, random
//	source           length and bytes
//	requests         each: arrival in microseconds since 1970 (varint), call (1 byte), length and bytes of the body
//
// with lengths as varints. Bodies are as they were sent: whoever decodes them later knows more of them than the door does.
const (
	magic     = "TLF"
	version   = 1
	checked   = len(magic) + 1 + crc32.Size // where what the checksum is of begins
	idSize    = 8
	header    = checked + idSize
	perBody   = 2*binary.MaxVarintLen64 + 1
	maxSource = 1024
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// VersionError says that a frame was made by a later release.
type VersionError struct{ Version byte }

// Error says what to do.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the frame has format %d and this release reads up to %d: run a newer one", e.Version, version)
}

// begin writes the head of a frame for a source into buf, which is empty.
func begin(buf []byte, source string) []byte {
	buf = append(append(buf, magic...), version)
	buf = append(buf, make([]byte, crc32.Size+idSize)...)
	_, _ = rand.Read(buf[checked:header]) // it never fails
	buf = binary.AppendUvarint(buf, uint64(len(source)))
	return append(buf, source...)
}

// add writes a request.
func add(buf []byte, r *Request) []byte {
	buf = binary.AppendVarint(buf, r.Received.UnixMicro())
	buf = append(buf, byte(callOf(r.Call)))
	buf = binary.AppendUvarint(buf, uint64(len(r.Body)))
	return append(buf, r.Body...)
}

// seal writes the checksum of a frame that is complete.
func seal(buf []byte) {
	binary.BigEndian.PutUint32(buf[len(magic)+1:], crc32.Checksum(buf[checked:], castagnoli))
}

// idOf is the id of a frame as text, of anything else its checksum and length: whatever it is, it is told from what may later
// have its place in the stream.
func idOf(frame []byte) string {
	if len(frame) >= header && string(frame[:len(magic)]) == magic {
		return hex.EncodeToString(frame[checked:header])
	}
	return fmt.Sprintf("%08x-%d", crc32.Checksum(frame, castagnoli), len(frame))
}

// callOf is the call that a path names; 0 for a batch.
func callOf(name string) schema.Call {
	switch name {
	case "track":
		return schema.Track
	case "identify":
		return schema.Identify
	case "page":
		return schema.Page
	case "screen":
		return schema.Screen
	case "group":
		return schema.Group
	case "alias":
		return schema.Alias
	}
	return 0
}

// frame is one that is being read.
type frame struct {
	all    []byte
	id     []byte
	source string
	rest   []byte
	n      int64 // requests so far
}

// stored is a request in a frame.
type stored struct {
	received schema.Micros
	call     schema.Call
	body     []byte
	offset   int64 // of the body in the frame
}

var (
	errNoFrame  = errors.New("it is no frame of Tapline's")
	errChecksum = errors.New("its checksum is wrong")
	errContent  = errors.New("its content is not what its checksum was made of")
)

// parse checks a frame as a whole. The error is a *VersionError, or says why nothing of it can be trusted.
func parse(b []byte) (*frame, error) {
	if len(b) < header || !bytes.HasPrefix(b, []byte(magic)) {
		return nil, errNoFrame
	}
	if v := b[len(magic)]; v > version {
		return nil, &VersionError{v}
	}
	if b[len(magic)] != version {
		return nil, errNoFrame
	}
	if binary.BigEndian.Uint32(b[len(magic)+1:]) != crc32.Checksum(b[checked:], castagnoli) {
		return nil, errChecksum
	}
	f := &frame{all: b, id: b[checked:header], rest: b[header:]}
	size, ok := f.length()
	if !ok || size > maxSource {
		return nil, errContent
	}
	f.source, f.rest = string(f.rest[:size]), f.rest[size:]
	check := *f
	for {
		if _, more, err := check.next(); err != nil {
			return nil, err
		} else if !more {
			return f, nil
		}
	}
}

// length reads a length of at most what is left.
func (f *frame) length() (int, bool) {
	size, n := binary.Uvarint(f.rest)
	if n <= 0 || size > uint64(len(f.rest)-n) {
		return 0, false
	}
	f.rest = f.rest[n:]
	return int(size), true
}

// next returns the next request; more is false after the last one.
func (f *frame) next() (s stored, more bool, err error) {
	if len(f.rest) == 0 {
		return s, false, nil
	}
	received, n := binary.Varint(f.rest)
	if n <= 0 || len(f.rest) == n {
		return s, false, errContent
	}
	s.received, s.call = schema.Micros(received), schema.Call(f.rest[n])
	f.rest = f.rest[n+1:]
	size, ok := f.length()
	if !ok || s.call > schema.Alias {
		return s, false, errContent
	}
	s.offset = int64(len(f.all) - len(f.rest))
	s.body, f.rest = f.rest[:size], f.rest[size:]
	f.n++
	return s, true, nil
}
