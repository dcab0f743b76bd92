package file

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/schema"
)

// DefaultUnitMaxBytes is how large a plain file may be to be one unit: 4 GiB.
const DefaultUnitMaxBytes = 4 << 30

// rangeUnit is the k-th of the equal stretches of bytes into which a large plain file is divided: the records that begin
// there. So its key is known before anything is read, and a file whose ranges are all loaded is not scanned again.
type rangeUnit struct {
	scan *scan
	k    int64
}

// Key implements source.Unit.
func (u *rangeUnit) Key() string {
	return fmt.Sprintf("%s:%d-%d", u.scan.file.Key(), u.scan.border(u.k), u.scan.border(u.k+1))
}

// Name implements source.Unit.
func (u *rangeUnit) Name() string {
	return fmt.Sprintf("%s (part %d of %d)", u.scan.file.Name(), u.k+1, u.scan.ranges)
}

// Size implements source.Unit. A record is counted where it begins, so Read may stop short of it or be cut to it.
func (u *rangeUnit) Size() int64 { return u.scan.border(u.k+1) - u.scan.border(u.k) }

// Open implements source.Unit. It waits until the scan has passed the range, and lets it go on to the next one.
func (u *rangeUnit) Open(ctx context.Context, paths *schema.Paths) (source.Reader, error) {
	from, to, err := u.scan.reach(ctx, u.k)
	if err != nil {
		return nil, err
	}
	in, err := u.scan.file.input()
	if err != nil {
		return nil, err
	}
	p := part{
		place: from, border: u.scan.border(u.k), limit: u.scan.limit(u.k),
		ids: u.scan.ids.Replay(from.ids, to.ids), bad: u.scan.bad.Replay(from.bad, to.bad),
	}
	s := u.scan.file.s
	r, err := newReader(ctx, &in, &p, newSetup(&in, &s.opts, paths, p.ids), s.pool)
	if err != nil {
		return nil, errors.Join(err, in.Body.Close())
	}
	return r, nil
}

// units yields the unit of a file, or its ranges if it is plain and larger than a unit may be. It returns false when
// nobody wants more.
func (s *Source) units(ctx context.Context, u *unit, yield func(source.Unit, error) bool) bool {
	if u.id.size <= s.opts.UnitMaxBytes || !u.divisible(ctx) {
		return yield(u, nil)
	}
	sc := s.newScan(u)
	// What is wrong with the file is told once: by the first range that cannot be opened for it.
	for k := int64(0); k < sc.ranges && !sc.failed(); k++ {
		if !yield(&rangeUnit{sc, k}, nil) {
			return false
		}
	}
	return true
}

// divisible reports whether the file is plain and begins as a file of records does. If not, it is one unit: opening that
// says what is wrong.
func (u *unit) divisible(ctx context.Context) bool {
	in, err := u.input()
	if err != nil {
		return false
	}
	plain := false
	var head [4]byte
	if _, err := io.ReadFull(in.Body.From(0), head[:]); err == nil && compression(head[:]) == byNothing {
		p := wholeFile(nil)
		r, err := newReader(ctx, &in, p, newSetup(&in, &u.s.opts, schema.NewPaths(0), p.ids), u.s.pool)
		if err == nil {
			_, empty := r.records.(nothing)
			plain = !empty
			return r.Close() == nil && plain
		}
	}
	return in.Body.Close() == nil && plain
}
