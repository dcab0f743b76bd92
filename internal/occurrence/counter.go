// Package occurrence counts, exactly and in bounded memory, how often a digest was seen within one unit. The count makes
// the ids of records that have none: true twins get different ids, and a replay gets the same ones (rules 14 and 25).
//
// The newest digests are in a hash table. When it is full it becomes a sorted run in a temporary file, which has a Bloom
// filter and the first key of each page in memory, so that a digest never seen before costs no I/O in 99 of 100 cases.
package occurrence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// DefaultEntries is how many different digests are held before they go to a file: 12 MiB of table.
const DefaultEntries = 7 << 16

// maxRuns is how many runs may exist before the newer ones are merged. Every lookup asks the filter of each run, about
// two cache misses a run.
const maxRuns = 8

// filterBudget bounds the filters of all merged runs together: 10 bits for each of 10 million digests. Beyond it
// filters get thinner, and lookups cost more reads of the page cache; the counts stay exact.
const filterBudget = 12 << 20

// Options say where and when a Counter spills.
type Options struct {
	// Dir is where runs are written. Defaults to the system's folder for temporary files. The files have no
	// name: see package tempfile.
	Dir string
	// Entries is how many different digests are held in memory. Defaults to DefaultEntries.
	Entries int
}

// Counter counts digests. It is not safe for use by several goroutines. Two digests that share their first 16 bytes
// count as one.
type Counter struct {
	opts  Options
	table []entry
	used  int
	runs  []*run // oldest first; a newer run's count of a digest includes the older ones'
	spare []filter
	page  []byte
	err   error
}

// entry is one digest with how often it was seen. A free slot has count 0.
type entry struct {
	hi, lo, count uint64
}

func (e *entry) compare(hi, lo uint64) int {
	switch {
	case e.hi < hi || e.hi == hi && e.lo < lo:
		return -1
	case e.hi == hi && e.lo == lo:
		return 0
	}
	return 1
}

// New returns an empty Counter. Nothing is written until it is full.
func New(o Options) *Counter {
	if o.Entries <= 0 {
		o.Entries = DefaultEntries
	}
	return &Counter{opts: o}
}

// Next counts digest and returns how often it has been seen by now: 1 for the first time. The error is one of writing
// or reading a run; after it the Counter gives the same error.
func (c *Counter) Next(digest [32]byte) (uint64, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.next(binary.BigEndian.Uint64(digest[:8]), binary.BigEndian.Uint64(digest[8:16]))
	if err != nil {
		c.err = fmt.Errorf("count occurrences: %w", err)
		return 0, c.err
	}
	return n, nil
}

func (c *Counter) next(hi, lo uint64) (uint64, error) {
	if c.used >= c.opts.Entries || c.used*8 >= len(c.table)*7 {
		if err := c.makeRoom(); err != nil {
			return 0, err
		}
	}
	e := c.find(hi, lo)
	if e.count > 0 {
		e.count++
		return e.count, nil
	}
	before, err := c.lookUp(hi, lo)
	if err != nil {
		return 0, err
	}
	*e = entry{hi, lo, before + 1}
	c.used++
	return e.count, nil
}

// find returns the slot that has the digest, or the free one where it belongs. The table always has a free one.
func (c *Counter) find(hi, lo uint64) *entry {
	mask := uint64(len(c.table) - 1)
	for i := lo & mask; ; i = (i + 1) & mask {
		e := &c.table[i]
		if e.count == 0 || e.hi == hi && e.lo == lo {
			return e
		}
	}
}

// lookUp returns the count in the newest run that has the digest, 0 if none has.
func (c *Counter) lookUp(hi, lo uint64) (uint64, error) {
	for _, r := range slices.Backward(c.runs) {
		if n, err := r.count(hi, lo, c.page); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, nil
}

// makeRoom doubles the table, or spills it when it has its full size.
func (c *Counter) makeRoom() error {
	size := max(2*len(c.table), 16)
	if c.used < c.opts.Entries {
		old := c.table
		c.table = make([]entry, size)
		for _, e := range old {
			if e.count > 0 {
				*c.find(e.hi, e.lo) = e
			}
		}
		return nil
	}
	return c.spill()
}

// spill writes the table as a new run and empties it. It sorts in place: no second table is needed.
func (c *Counter) spill() error {
	if c.page == nil {
		c.page = make([]byte, pageSize)
	}
	n := 0
	for _, e := range c.table {
		if e.count > 0 {
			c.table[n] = e
			n++
		}
	}
	full := c.table[:n]
	slices.SortFunc(full, func(a, b entry) int { return a.compare(b.hi, b.lo) })

	w, err := newWriter(c.opts.Dir, n, c.takeFilter(n))
	if err != nil {
		return err
	}
	for i := range full {
		if err := w.add(full[i]); err != nil {
			return errors.Join(err, w.abort())
		}
	}
	r, err := w.finish()
	if err != nil {
		return err
	}
	c.runs = append(c.runs, r)
	clear(c.table)
	c.used = 0
	if len(c.runs) > maxRuns {
		return c.mergeRuns()
	}
	return nil
}

// takeFilter returns an empty filter for n digests at 10 bits each: one false hit in 120. Unmerged runs are all of a
// size, so their filters are used again.
func (c *Counter) takeFilter(n int) filter {
	f := newFilterFrom(&c.spare, n*10/8)
	clear(f)
	return f
}

// mergeRuns merges the longest row of newest runs of which each is no larger than all that are newer than it. So a
// digest is rewritten about log2(runs) times, and the runs stay at most maxRuns.
func (c *Counter) mergeRuns() error {
	sum, from := c.runs[len(c.runs)-1].n, len(c.runs)-2
	for i := from; i >= 0; i-- {
		if c.runs[i].n <= sum {
			from = i
		}
		sum += c.runs[i].n
	}
	old := c.runs[from:]
	var total, kept int
	for _, r := range old {
		total += r.n
		c.giveBack(r)
	}
	for _, r := range c.runs[:from] {
		kept += len(r.filter) * 8
	}
	bits := filter(make([]uint64, min(total*10/8, max(filterBudget-kept, 0))/8))
	merged, err := merge(c.opts.Dir, old, total, bits)
	if err != nil {
		return err
	}
	for _, r := range old {
		err = errors.Join(err, r.close())
	}
	c.runs = append(c.runs[:from], merged)
	return err
}

// giveBack takes the filter of a run that needs none any more.
func (c *Counter) giveBack(r *run) {
	if len(c.spare) < maxRuns+1 && !r.merged && r.filter != nil {
		c.spare = append(c.spare, r.filter)
	}
	r.filter = nil
}

// Close forgets all digests and closes the files.
func (c *Counter) Close() error {
	var err error
	for _, r := range c.runs {
		err = errors.Join(err, r.close())
	}
	c.table, c.runs, c.spare, c.page, c.used = nil, nil, nil, nil, 0
	return err
}
