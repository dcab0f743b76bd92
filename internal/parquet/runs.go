package parquet

import (
	"encoding/binary"
	"errors"
	"math"
)

var errRuns = errors.New("a page holds another number of values than its header says")

// slack is how many values more than a page has its encodings may hold: writers fill up their last group.
const slack = 1 << 10

// runs goes over values of width bits in Parquet's hybrid of runs and packed groups, and calls do, if there is one, for
// each of the first most values, or with several that are equal. More than that are an error: a run of a few bytes may
// say that it is of two thousand million values.
func runs(data []byte, width uint, most int64, do func(value uint32, n int64)) error {
	total, bytes := int64(0), int((width+7)/8)
	if width > 32 {
		return errRuns
	}
	for len(data) > 0 {
		head, n := binary.Uvarint(data)
		if n <= 0 || head>>1 > math.MaxInt32 {
			return errRuns
		}
		data = data[n:]
		count, packed := int64(head>>1), head&1 != 0
		if packed {
			bytes := count * int64(width)
			if count *= 8; bytes > int64(len(data)) || total+count > most+slack {
				return errRuns
			}
			unpack(data[:bytes], width, min(count, most-total), do)
			data = data[bytes:]
		} else {
			if bytes > len(data) || total+count > most+slack {
				return errRuns
			}
			if n := min(count, most-total); do != nil && n > 0 {
				var word [4]byte
				copy(word[:], data[:bytes])
				do(binary.LittleEndian.Uint32(word[:]), n)
			}
			data = data[bytes:]
		}
		total += count
	}
	return nil
}

// unpack calls do with the first n values of width bits, the lowest bits first.
func unpack(data []byte, width uint, n int64, do func(value uint32, n int64)) {
	if do == nil {
		return
	}
	for i := range n {
		value := uint32(0)
		for b := range width {
			at := uint64(i)*uint64(width) + uint64(b)
			value |= uint32(data[at/8]>>(at%8)&1) << b
		}
		do(value, 1)
	}
}

// deltas goes over integers in Parquet's encoding of differences and returns what follows them and the sum of the
// integers, as far as it is needed: sum is false for those whose number only matters.
func deltas(data []byte, most int64, sum bool) (rest []byte, total int64, err error) {
	var head [3]uint64 // values a block, groups a block, values
	for i := range head {
		value, n := binary.Uvarint(data)
		if n <= 0 {
			return nil, 0, errRuns
		}
		head[i], data = value, data[n:]
	}
	last, n := binary.Varint(data)
	block, groups, left := head[0], head[1], int64(min(head[2], math.MaxInt64))
	if data = data[max(n, 0):]; n <= 0 || left > most || groups == 0 || block > 1<<20 || block%128 != 0 || block/groups%32 != 0 {
		return nil, 0, errRuns
	}
	if sum && last < 0 {
		return nil, 0, errRuns
	}
	if left == 0 || !sum {
		return data, 0, nil
	}
	d := differences{data: data, group: int64(block / groups), groups: int(min(groups, 1<<20)), left: left - 1, last: last, total: last}
	for d.left > 0 {
		if !d.block() {
			return nil, 0, errRuns
		}
	}
	return d.data, d.total, nil
}

// differences are integers, each told by how it differs from the one before.
type differences struct {
	data        []byte
	group       int64 // values
	groups      int   // of a block
	left        int64 // values
	last, total int64
}

// block goes over one block. It returns false if there is none, or a negative integer in it.
func (d *differences) block() bool {
	least, n := binary.Varint(d.data)
	if n <= 0 || len(d.data)-n < d.groups {
		return false
	}
	widths := d.data[n : n+d.groups]
	d.data = d.data[n+d.groups:]
	for _, width := range widths {
		count := min(d.group, d.left)
		bytes := d.group * int64(width) / 8
		if width > 32 {
			return false
		}
		if bytes > int64(len(d.data)) { // the last group may be cut where its values end
			if bytes = int64(len(d.data)); bytes*8 < count*int64(width) {
				return false
			}
		}
		good := true
		unpack(d.data[:bytes], uint(width), count, func(v uint32, _ int64) {
			d.last = int64(int32(d.last + least + int64(v)))
			d.total += d.last
			good = good && d.last >= 0
		})
		d.data = d.data[bytes:]
		if d.left -= count; d.left == 0 || !good {
			return good
		}
	}
	return true
}
