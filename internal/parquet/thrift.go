package parquet

import (
	"encoding/binary"
	"errors"
)

var (
	errShort  = errors.New("it ends too early")
	errThrift = errors.New("it is not what Thrift writes")
)

const (
	// maxStructs is how many structs a list may have: row groups, columns, elements of the schema.
	maxStructs = 100_000
	// maxNesting is how deep structs and lists may be nested.
	maxNesting = 32
)

// The types of Thrift's compact protocol.
const (
	thriftTrue = iota + 1
	thriftFalse
	thriftByte
	thriftI16
	thriftI32
	thriftI64
	thriftDouble
	thriftBinary
	thriftList
	thriftSet
	thriftMap
	thriftStruct
)

// structLength returns the length of the struct at the start of text, in Thrift's compact protocol. The library allocates
// what a list or text says it needs before it reads it: with this nothing says more than there is.
func structLength(text []byte) (int, error) {
	w := walker{text: text}
	err := w.skip(thriftStruct, 0)
	return w.at, err
}

// walker goes over encoded values.
type walker struct {
	text []byte
	at   int
}

func (w *walker) byte() (byte, error) {
	if w.at >= len(w.text) {
		return 0, errShort
	}
	w.at++
	return w.text[w.at-1], nil
}

func (w *walker) uvarint() (uint64, error) {
	n, size := binary.Uvarint(w.text[w.at:])
	switch {
	case size < 0:
		return 0, errThrift
	case size == 0:
		return 0, errShort
	}
	w.at += size
	return n, nil
}

func (w *walker) bytes(n uint64) error {
	if n > uint64(len(w.text)-w.at) {
		return errShort
	}
	w.at += int(n)
	return nil
}

// skip goes over a value of a type.
func (w *walker) skip(kind byte, depth int) error {
	if depth > maxNesting {
		return errThrift
	}
	switch kind {
	case thriftTrue, thriftFalse:
		return nil // said by the type
	case thriftByte:
		return w.bytes(1)
	case thriftI16, thriftI32, thriftI64:
		_, err := w.uvarint()
		return err
	case thriftDouble:
		return w.bytes(8)
	case thriftBinary:
		n, err := w.uvarint()
		if err != nil {
			return err
		}
		return w.bytes(n)
	case thriftList, thriftSet:
		return w.list(depth)
	case thriftMap:
		return w.mapping(depth)
	case thriftStruct:
		return w.fields(depth)
	}
	return errThrift
}

func (w *walker) fields(depth int) error {
	for {
		b, err := w.byte()
		if err != nil || b == 0 {
			return err
		}
		if b>>4 == 0 { // the field's number follows
			if _, err := w.uvarint(); err != nil {
				return err
			}
		}
		if err := w.skip(b&15, depth+1); err != nil {
			return err
		}
	}
}

func (w *walker) list(depth int) error {
	b, err := w.byte()
	if err != nil {
		return err
	}
	n, kind := uint64(b>>4), b&15
	if n == 15 {
		if n, err = w.uvarint(); err != nil {
			return err
		}
	}
	switch {
	case n > uint64(len(w.text)-w.at): // each takes a byte
		return errShort
	case n > maxStructs && kind >= thriftBinary:
		return errThrift
	}
	return w.items(n, kind, depth)
}

func (w *walker) items(n uint64, kind byte, depth int) error {
	for range n {
		var err error
		if kind == thriftTrue || kind == thriftFalse {
			err = w.bytes(1)
		} else {
			err = w.skip(kind, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) mapping(depth int) error {
	n, err := w.uvarint()
	if err != nil || n == 0 {
		return err
	}
	kinds, err := w.byte()
	switch {
	case err != nil:
		return err
	case n > uint64(len(w.text)-w.at):
		return errShort
	}
	for range n {
		if err := w.items(1, kinds>>4, depth); err != nil {
			return err
		}
		if err := w.items(1, kinds&15, depth); err != nil {
			return err
		}
	}
	return nil
}
