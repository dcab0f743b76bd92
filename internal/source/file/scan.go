package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"weak"

	"github.com/tapline/tapline/internal/occurrence"
	"github.com/tapline/tapline/schema"
)

// place is where a range's first record begins, and all that a reader must know of what came before.
type place struct {
	offset, line int64
	resume       resume          // nil at the start of the file
	ids, bad     occurrence.Mark // in the scan's recordings
}

// scan reads a large file ahead of the readers of its ranges, with the very reader they use, and finds where each range
// begins: only who has read all that is before knows which line end ends a record, and how often a record was there
// already. It reads one range at a time, when it is asked to and one more, so that the scan of a range overlaps with
// the loading of the one before and finds the pages of the file for it.
type scan struct {
	file   *unit
	ranges int64
	ctx    context.Context //nolint:containedctx // the source's: a step outlives the call that asked for it
	paths  *schema.Paths

	ids *occurrence.Recorder // of records without an id
	bad *occurrence.Recorder // of records that cannot be decoded

	mu     sync.Mutex
	places []place       // where the ranges begin, as far as they are scanned; one more than ranges at the end
	step   chan struct{} // closed when the running step has ended; nil if none runs
	err    error         // why the scan cannot go on
	told   bool          // somebody who opened a range has got err
}

func (s *Source) newScan(u *unit) *scan {
	o := occurrence.Options{Dir: s.opts.TempDir}
	sc := &scan{
		file: u, ranges: (u.id.size-1)/s.opts.UnitMaxBytes + 1, ctx: s.ctx, paths: schema.NewPaths(0),
		ids: occurrence.NewRecorder(o), bad: occurrence.NewRecorder(o), places: []place{{line: 1}},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Scans whose units nobody holds any more are gone, files and all: a source that watches has many.
	alive := s.scans[:0]
	for _, w := range s.scans {
		if w.Value() != nil {
			alive = append(alive, w)
		}
	}
	s.scans = append(alive, weak.Make(sc))
	return sc
}

// border is where the k-th range begins, give or take a record: the ranges are of one size.
func (s *scan) border(k int64) int64 {
	size := s.file.id.size
	return size/s.ranges*k + min(k, size%s.ranges)
}

// limit is where no record of the k-th range begins any more.
func (s *scan) limit(k int64) int64 {
	if k == s.ranges-1 {
		return unlimited
	}
	return s.border(k + 1)
}

// failed reports whether the scan cannot go on, and a range that was opened has said so: then further ones would but say
// it again.
func (s *scan) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// reach waits until the k-th range has been scanned and returns where it and the next one begin.
func (s *scan) reach(ctx context.Context, k int64) (from, to place, err error) {
	for {
		s.mu.Lock()
		scanned := int64(len(s.places)) - 1
		if s.step == nil && s.err == nil && scanned < s.ranges && scanned <= k+1 {
			s.begin()
		}
		if k < scanned {
			defer s.mu.Unlock()
			return s.places[k], s.places[k+1], nil
		}
		step, err := s.step, s.err
		s.told = err != nil
		s.mu.Unlock()
		if err != nil {
			return place{}, place{}, err
		}
		select {
		case <-step:
		case <-ctx.Done():
			return place{}, place{}, context.Cause(ctx)
		}
	}
}

// begin starts the scan of the next range. s.mu is held.
func (s *scan) begin() {
	step := make(chan struct{})
	s.step = step
	go func() {
		defer close(step)
		next, err := s.one()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.step = nil
		if s.err = err; err == nil {
			s.places = append(s.places, next)
		}
	}()
}

// one scans the next range and returns where the one after it begins. Only one step runs at a time.
func (s *scan) one() (next place, err error) {
	k := int64(len(s.places)) - 1
	in, err := s.file.input()
	if err != nil {
		return place{}, err
	}
	p := part{place: s.places[k], border: s.border(k), limit: s.limit(k), ids: s.ids, bad: s.bad}
	r, err := newReader(s.ctx, &in, &p, newSetup(&in, &s.file.s.opts, s.paths, p.ids), s.file.s.pool)
	if err != nil {
		return place{}, errors.Join(err, in.Body.Close())
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var ev schema.Event
	for err == nil {
		err = r.Next(&ev)
	}
	if !errors.Is(err, io.EOF) {
		return place{}, err
	}
	next = place{offset: r.text.offset, line: r.text.line, resume: r.records.resume()}
	var idErr, badErr error
	next.ids, idErr = s.ids.Mark()
	next.bad, badErr = s.bad.Mark()
	if err = errors.Join(idErr, badErr); err != nil {
		return place{}, fmt.Errorf("read %s: %w", s.file.Name(), err)
	}
	if k == s.ranges-1 {
		s.paths = nil
		err = errors.Join(s.ids.Finish(), s.bad.Finish())
	}
	return next, err
}

// close ends the scan, whose context has been cancelled. Its ranges cannot be opened any more.
func (s *scan) close() error {
	s.mu.Lock()
	s.err = errSourceClosed
	step := s.step
	s.mu.Unlock()
	if step != nil {
		<-step
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.places = errSourceClosed, s.places[:1]
	return errors.Join(s.ids.Close(), s.bad.Close())
}

var errSourceClosed = errors.New("the source is closed")
