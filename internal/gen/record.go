package gen

import "strconv"

// valueKind is how a property's value is written.
type valueKind uint8

const (
	plainText valueKind = iota // needs no escaping in JSON
	freeText                   // may need it
	number
	boolean
	rawJSON
	date // epoch seconds
)

// prop is one property of a record; its value is record.values[from:to].
type prop struct {
	from, to int32
	key      key
	kind     valueKind
}

// record is one event with all that CleverTap knows about it, before it is written down. It is used again and again.
type record struct {
	plan
	props  []prop
	values []byte
}

func (r *record) reset(p plan) {
	r.plan = p
	r.props, r.values = r.props[:0], r.values[:0]
}

// end closes the value that was appended to r.values since from.
func (r *record) end(k key, kind valueKind, from int) {
	r.props = append(r.props, prop{int32(from), int32(len(r.values)), k, kind})
}

func (r *record) value(p prop) []byte { return r.values[p.from:p.to] }

func (r *record) text(k key, value string) {
	from := len(r.values)
	r.values = append(r.values, value...)
	r.end(k, plainText, from)
}

func (r *record) free(k key, value string) {
	from := len(r.values)
	r.values = append(r.values, value...)
	r.end(k, freeText, from)
}

// optional adds a text unless it is empty.
func (r *record) optional(k key, value string) {
	if value != "" {
		r.text(k, value)
	}
}

func (r *record) int(k key, value int64) { r.intAs(k, value, number) }

// digits adds a number as text.
func (r *record) digits(k key, value int64) { r.intAs(k, value, plainText) }

func (r *record) intAs(k key, value int64, kind valueKind) {
	from := len(r.values)
	r.values = strconv.AppendInt(r.values, value, 10)
	r.end(k, kind, from)
}

// fixed adds value / 10^decimals as a decimal number.
func (r *record) fixed(k key, value int64, decimals int) {
	from := len(r.values)
	r.values = appendFixed(r.values, value, decimals)
	r.end(k, number, from)
}

func (r *record) bool(k key, value bool) {
	from := len(r.values)
	r.values = strconv.AppendBool(r.values, value)
	r.end(k, boolean, from)
}

// yes adds a boolean the way CleverTap's SDKs send it, as text.
func (r *record) yes(k key, value bool) {
	r.text(k, strconv.FormatBool(value))
}

// appendFixed appends value / 10^decimals, without the trailing zeros that numbers in JSON do not have.
func appendFixed(dst []byte, value int64, decimals int) []byte {
	if value < 0 {
		dst, value = append(dst, '-'), -value
	}
	unit := int64(1)
	for range decimals {
		unit *= 10
	}
	dst = strconv.AppendInt(dst, value/unit, 10)
	rest := value % unit
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.')
	for rest > 0 {
		unit /= 10
		dst = append(dst, byte('0'+rest/unit))
		rest %= unit
	}
	return dst
}
