package occurrence

// filter is a Bloom filter in cache lines of 512 bits: all bits of a digest are in one line, so a lookup is one cache
// miss. A digest is uniform already: its own bits are the hash values. The empty filter lets everything through.
type filter []uint64

const lineWords = 8

// probes is how many bits a digest sets. Seven is best for 10 bits a digest; thinner filters lose little by it.
const probes = 7

// newFilterFrom returns one of spare that has the size, or a new filter of at most size bytes.
func newFilterFrom(spare *[]filter, size int) filter {
	words := max(size/8/lineWords, 1) * lineWords
	for i, f := range *spare {
		if len(f) == words {
			last := len(*spare) - 1
			(*spare)[i] = (*spare)[last]
			*spare = (*spare)[:last]
			return f
		}
	}
	return make(filter, words)
}

// line returns the words of a digest's cache line, nil if the filter has none. The line comes from the upper half of lo,
// the bits in it from hi: the hash table uses the lower half of lo.
func (f filter) line(lo uint64) filter {
	lines := uint64(len(f) / lineWords)
	if lines == 0 {
		return nil
	}
	i := (lo >> 32) * lines >> 32 * lineWords
	return f[i : i+lineWords]
}

func (f filter) add(hi, lo uint64) {
	line := f.line(lo)
	if line == nil {
		return
	}
	for range probes {
		line[hi>>6&7] |= 1 << (hi & 63)
		hi >>= 9
	}
}

// maybe reports whether the digest may have been added. False is certain.
func (f filter) maybe(hi, lo uint64) bool {
	line := f.line(lo)
	if line == nil {
		return true
	}
	for range probes {
		if line[hi>>6&7]&(1<<(hi&63)) == 0 {
			return false
		}
		hi >>= 9
	}
	return true
}
