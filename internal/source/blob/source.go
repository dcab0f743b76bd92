// Package blob reads events from object stores: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob
// Storage, and folders treated alike. A unit is an object; its bytes are read by the rules of internal/source/file.
//
// A listing is followed page by page, so that its memory does not depend on how many objects there are. Small objects are
// fetched side by side, ahead of the one that is being loaded, up to Options.Prefetch bytes; a larger one is read as it is
// loaded. Each read asks for the very version that was listed, and goes on where it was broken off.
package blob

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/file"
)

// Options say which objects are read, and how.
type Options struct {
	// File says how the bytes of an object are read, and whether and how often the URLs are watched. Its Stdin and
	// UnitMaxBytes do not matter: an object is one unit.
	File file.Options
	// Since and Until bound the days of the objects that are read, both included, as far as their names tell one: CleverTap's
	// export files and Segment's segment-logs/ folders do. The zero time bounds nothing.
	Since, Until time.Time
	// Known returns which of the units with these keys are loaded. It is asked a page of a listing at a time: of what it
	// knows nothing is fetched, and while watching it is not yielded again. Defaults to none being known.
	Known func(ctx context.Context, keys []string) (map[string]bool, error)
	// Prefetch is how many bytes of small objects are held, those that are being loaded included. Defaults to 16 MiB; negative
	// fetches nothing ahead.
	Prefetch int64
	// Tries is how often in a row a request is made that brings nothing, RetryPause the pause after the first; it doubles,
	// up to 10 s. Default to 8 and 200 ms, on top of what the store's SDK does.
	Tries      int
	RetryPause time.Duration
	// Stall is how long a store may send nothing before its connection is given up. Defaults to a minute.
	Stall time.Duration
	// PageSize is how many objects are asked for at a time. Defaults to 1,000, which is the most that S3 gives.
	PageSize int
	// Again is when an object that was yielded while watching, and is still not Known, is yielded again at first; that time
	// doubles with each. Defaults to ten minutes.
	Again time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() (Options, error) {
	if o.Prefetch == 0 {
		o.Prefetch = 16 << 20
	}
	if o.Tries <= 0 {
		o.Tries = 8
	}
	if o.RetryPause <= 0 {
		o.RetryPause = 200 * time.Millisecond
	}
	if o.Stall <= 0 {
		o.Stall = time.Minute
	}
	if o.PageSize <= 0 {
		o.PageSize = 1000
	}
	if o.Again <= 0 {
		o.Again = 10 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.File.PollInterval <= 0 {
		o.File.PollInterval = 10 * time.Second
	}
	if o.File.Logger == nil {
		o.File.Logger = slog.New(slog.DiscardHandler)
	}
	if !o.Since.IsZero() && !o.Until.IsZero() && o.Until.Before(o.Since) {
		return o, fmt.Errorf("until %s is before since %s", o.Until.Format(time.DateOnly), o.Since.Format(time.DateOnly))
	}
	return o, nil
}

// Source is a source.Source over URLs.
type Source struct {
	opts    Options
	opener  *file.Opener
	cache   *cache
	targets []*openTarget
}

var _ source.Source = (*Source)(nil)

// openTarget is a target and the bucket it is in.
type openTarget struct {
	*target
	bucket *bucket
}

// New returns a Source over URLs: scheme://bucket/name, where the name may hold the wildcards *, **, ? and [a-z], and
// without any means the object of that name and all that are below it. Settings of a store follow as ?name=value. ctx
// is for finding credentials; objects are listed by Units. The error names a URL that cannot be read. Close the Source
// after use.
func New(ctx context.Context, urls []string, o Options) (*Source, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if len(urls) == 0 {
		return nil, errors.New("no URLs given")
	}
	s := &Source{opts: o, cache: newCache(o.Prefetch)}
	if s.opener, err = file.NewOpener(o.File); err != nil {
		return nil, err
	}
	buckets := map[string]*bucket{}
	for _, raw := range urls {
		t, err := parseTarget(raw)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		id := t.root() + "?" + t.query
		if buckets[id] == nil {
			if buckets[id], err = openBucket(ctx, t); err != nil {
				return nil, errors.Join(err, s.Close())
			}
		}
		s.targets = append(s.targets, &openTarget{t, buckets[id]})
	}
	return s, nil
}

// Units yields the objects in the order of the URLs, those of each in the order of their names. An object that two URLs
// mean is yielded twice; the ledger knows it then. With Watch it ends with ctx only.
func (s *Source) Units(ctx context.Context) iter.Seq2[source.Unit, error] {
	if s.opts.File.Watch {
		return s.watch(ctx)
	}
	return func(yield func(source.Unit, error) bool) {
		for _, t := range s.targets {
			if !s.once(ctx, t, yield) {
				return
			}
		}
	}
}

// once yields the objects of a URL that are there now. It returns false when nobody wants more.
func (s *Source) once(ctx context.Context, t *openTarget, yield func(source.Unit, error) bool) bool {
	found := false
	for page, err := range s.pages(ctx, t) {
		if err != nil {
			return yield(nil, err)
		}
		found = found || len(page) > 0
		known, err := s.known(ctx, page)
		if err != nil {
			return yield(nil, err)
		}
		for i, u := range page {
			u.more = i < len(page)-1
			if !known[u.key] {
				s.cache.expect(u)
			}
			if !yield(u, nil) {
				return false
			}
		}
	}
	if !found {
		return yield(nil, fmt.Errorf("list %s: no object matches", t))
	}
	return true
}

// known asks which units of a page are loaded.
func (s *Source) known(ctx context.Context, page []*unit) (map[string]bool, error) {
	if s.opts.Known == nil || len(page) == 0 {
		return nil, nil
	}
	keys := make([]string, len(page))
	for i, u := range page {
		keys[i] = u.key
	}
	known, err := s.opts.Known(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("ask which objects are loaded: %w", err)
	}
	return known, nil
}

// Close closes the connections to the stores. Units cannot be opened any more.
func (s *Source) Close() error {
	s.cache.close()
	var err error
	closed := map[*bucket]bool{}
	for _, t := range s.targets {
		if !closed[t.bucket] {
			closed[t.bucket] = true
			err = errors.Join(err, t.bucket.Close())
		}
	}
	return err
}
