package copyin

import (
	"encoding/binary"

	"github.com/tapline/tapline/schema"
)

// TimeField is a timestamptz as a field of a COPY row.
func TimeField(m schema.Micros) []byte {
	return binary.BigEndian.AppendUint64([]byte{0, 0, 0, 8}, uint64(m-pgEpoch))
}

// UUIDField is a uuid as a field of a COPY row.
func UUIDField(u [16]byte) []byte { return append([]byte{0, 0, 0, 16}, u[:]...) }

// appendNumeric appends a plain decimal (an optional sign, digits, an optional point with digits) as Postgres's binary
// numeric: base-10,000 digits, the weight of the first, the sign, and how many decimals to show.
func appendNumeric(b, text []byte) []byte {
	sign := uint16(0)
	if len(text) > 0 && text[0] == '-' {
		sign, text = 0x4000, text[1:]
	}
	whole, frac := text, []byte(nil)
	for i, c := range text {
		if c == '.' {
			whole, frac = text[:i], text[i+1:]
			break
		}
	}
	var digits [32]uint16 // 38 digits on either side of the point are 10 groups each
	n := 0
	weight := (len(whole)+3)/4 - 1
	for i := len(whole) % 4; i <= len(whole); i += 4 {
		if from := max(i-4, 0); from < i {
			digits[n] = group(whole[from:i], 0)
			n++
		}
	}
	for i := 0; i < len(frac); i += 4 {
		part := frac[i:min(i+4, len(frac))]
		digits[n] = group(part, 4-len(part))
		n++
	}
	first := 0
	for first < n && digits[first] == 0 {
		first++
		weight--
	}
	for n > first && digits[n-1] == 0 {
		n--
	}
	if first == n {
		weight, sign = 0, 0
	}
	b = binary.BigEndian.AppendUint32(b, uint32(8+2*(n-first)))
	b = binary.BigEndian.AppendUint16(b, uint16(n-first))
	b = binary.BigEndian.AppendUint16(b, uint16(int16(weight)))
	b = binary.BigEndian.AppendUint16(b, sign)
	b = binary.BigEndian.AppendUint16(b, uint16(len(frac)))
	for _, d := range digits[first:n] {
		b = binary.BigEndian.AppendUint16(b, d)
	}
	return b
}

// group reads up to four decimal digits, followed by so many zeros, as one base-10,000 digit.
func group(s []byte, zeros int) uint16 {
	v := uint16(0)
	for _, c := range s {
		v = v*10 + uint16(c-'0')
	}
	for range zeros {
		v *= 10
	}
	return v
}
