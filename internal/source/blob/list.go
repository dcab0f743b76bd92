package blob

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"gocloud.dev/blob"

	"github.com/tapline/tapline/internal/source/file"
)

// pages yields the objects that a URL means, page by page, while the next page is on its way already. A page may be
// empty. After an error there is none.
func (s *Source) pages(ctx context.Context, t *openTarget) iter.Seq2[[]*unit, error] {
	type page struct {
		units []*unit
		err   error
	}
	return func(yield func([]*unit, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		ready := make(chan page)
		go func() {
			defer close(ready)
			token := blob.FirstPageToken
			for len(token) > 0 {
				objects, next, err := s.page(ctx, t, token)
				p := page{s.wanted(t, objects), err}
				select {
				case ready <- p:
				case <-ctx.Done():
					return
				}
				if err != nil {
					return
				}
				token = next
			}
		}()
		defer func() {
			cancel()
			for range ready { // it ends
			}
		}()
		for p := range ready {
			if !yield(p.units, p.err) {
				return
			}
		}
	}
}

// page gets one page of a listing. What may pass is tried again from the same marker.
func (s *Source) page(ctx context.Context, t *openTarget, token []byte) ([]*blob.ListObject, []byte, error) {
	pause, o := s.pauses(), &blob.ListOptions{Prefix: t.prefix}
	if below := t.bucket.store.below; below != nil {
		o.BeforeList = below(t.prefix)
	}
	for try := 1; ; try++ {
		objects, next, err := t.bucket.ListPage(ctx, token, s.opts.PageSize, o)
		if err == nil {
			return objects, next, nil
		}
		early := string(token) == string(blob.FirstPageToken)
		if ctx.Err() != nil || try >= s.opts.Tries || !t.bucket.passes(err, early) {
			return nil, nil, t.bucket.explain(ctx, opList, t.String(), err)
		}
		s.opts.File.Logger.WarnContext(ctx, "listing is tried again", slog.String("url", t.String()),
			slog.Int("try", try), slog.String("cause", clean(err)))
		if err := sleep(ctx, pause.NextBackOff()); err != nil {
			return nil, nil, t.bucket.explain(ctx, opList, t.String(), err)
		}
	}
}

// pauses returns the pauses between tries, each longer than the last, with jitter.
func (s *Source) pauses() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = s.opts.RetryPause, 10*time.Second, 2
	b.Reset()
	return b
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// wanted makes units of the objects that a URL means.
func (s *Source) wanted(t *openTarget, objects []*blob.ListObject) []*unit {
	units := make([]*unit, 0, len(objects))
	for _, o := range objects {
		if name := t.bucket.store.name; name != nil {
			o.Key = name(o)
		}
		if o.IsDir || !t.wants(o.Key) || !t.bucket.store.regular(o) || !s.within(o.Key) {
			continue
		}
		units = append(units, s.newUnit(t, o))
	}
	return units
}

// within reports whether an object is of a day that is wanted, or of none that its name tells.
func (s *Source) within(name string) bool {
	if s.opts.Since.IsZero() && s.opts.Until.IsZero() {
		return true
	}
	day, ok := file.DayOf(name)
	if !ok {
		return true
	}
	tells := day.Format(time.DateOnly)
	return (s.opts.Since.IsZero() || tells >= s.opts.Since.Format(time.DateOnly)) &&
		(s.opts.Until.IsZero() || tells <= s.opts.Until.Format(time.DateOnly))
}
