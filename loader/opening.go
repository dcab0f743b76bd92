package loader

import (
	"context"
	"errors"
	"io"
)

// record reads the next record of the unit that is read, which it opens first if need be. After io.EOF the unit is closed, but
// for the last one: a replay keeps others out until it is committed.
func (r *reading) record(ctx context.Context) error {
	if r.reader == nil {
		if err := r.openUnit(ctx); err != nil {
			return err
		}
	}
	err := r.reader.Next(&r.ev)
	if errors.Is(err, io.EOF) {
		r.a.report.note(r.reader.Notes())
		if r.at+1 == len(r.a.units) {
			return err
		}
		if failed := r.closeUnit(); failed != nil {
			return failed
		}
	}
	return err
}

func (r *reading) openUnit(ctx context.Context) error {
	unit := r.a.units[r.at].unit
	reader, err := unit.Open(ctx, r.l.paths)
	if err != nil {
		return err
	}
	before := r.before
	r.reader = reader
	r.l.progress.reading(r.l, unit.Name(), func() int64 { return before + reader.Read() })
	return nil
}

// closeUnit releases what belongs to the unit that is read.
func (r *reading) closeUnit() (err error) {
	if r.twins != nil {
		err = r.twins.Close()
	}
	if r.reader != nil {
		r.before += r.reader.Read()
		err = errors.Join(err, r.reader.Close())
	}
	r.twins, r.reader = nil, nil
	return err
}

// unreadable notes that the unit that is read must not be loaded. This attempt is then lost, but it reads the units after it
// to their ends, so that those that cannot be read are all known.
func (r *reading) unreadable(ctx context.Context, err error) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, io.EOF) {
			r.a.failed[r.at] = &readError{errors.Join(err, r.closeUnit())}
		}
		if r.at++; r.at == len(r.a.units) {
			return errUnreadable
		}
		for err = r.record(ctx); err == nil && ctx.Err() == nil; {
			err = r.record(ctx)
		}
	}
}
