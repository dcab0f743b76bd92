package federate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// setupError is one that trying again does not mend: a key that cannot be read, a region that is not the source's.
type setupError struct{ error }

func (e setupError) Unwrap() error { return e.error }

// errChanged ends a session whose destination was changed, so that the next begins with the new settings.
var errChanged = errors.New("the destination was changed")

// errReplayChanged ends a replay: half of it with other settings is not what was asked for.
var errReplayChanged = errors.New("the destination was changed while it got a replay: run it again")

// errLost ends a session that cannot be sure of its lease any more.
var errLost = errors.New("lease lost: Postgres did not answer, or another process has taken over")

// session is one destination while this process has its lease.
type session struct {
	f        *Federator
	d        *Destination
	schema   string // of the source
	mark     string // changes when the destination does
	cursor   cursor
	reader   *reader
	sender   *sender
	progress Progress
	untried  bool // it has never taken a message
	moved    bool
}

// session sends to a destination until there is nothing more (Once, replay), ctx ends or something fails. It reports
// whether anything arrived.
func (f *Federator) session(ctx context.Context, name string) (moved bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &session{f: f, progress: f.counted(name)}
	if err := s.open(ctx, name, cancel); err != nil {
		return false, err
	}
	if !f.opt.replays() {
		pos, err := s.cursor.acquire(ctx, f.opt.Lease)
		if err != nil {
			return false, err
		}
		s.reader.pos = pos
		var wg sync.WaitGroup
		defer s.cursor.release(ctx)
		defer wg.Wait()
		defer cancel(nil)
		wg.Go(func() { s.keepLease(ctx, cancel) })
	} else {
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel(nil)
		wg.Go(func() { s.watch(ctx, cancel) })
	}
	err = s.work(ctx)
	// What ended the session says more than what broke because of it.
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	var paused *PausedError
	if errors.As(err, &paused) && paused.Reason != "" {
		err = errors.Join(err, s.cursor.pause(ctx, paused.Reason))
	}
	return s.moved, err
}

// open reads the destination and everything that it takes to send.
func (s *session) open(ctx context.Context, name string, stop context.CancelCauseFunc) error {
	d, mark, err := getMarked(ctx, s.f.pool, name)
	if err != nil {
		return err
	}
	if d.Status == Paused {
		return &PausedError{Destination: d.Name, Reason: d.LastError}
	}
	source, err := readSource(ctx, s.f.pool, d.Source)
	if err != nil {
		return err
	}
	if err := s.permitted(d, source.region); err != nil {
		return setupError{err}
	}
	key, err := s.f.opt.Key(ctx, d.KeyFrom)
	if err != nil {
		return setupError{err}
	}
	var hashKey string
	if len(d.Settings.Hashed) > 0 {
		if hashKey, err = s.f.opt.Key(ctx, d.Settings.HashKeyFrom); err != nil {
			return setupError{err}
		}
	}
	if s.untried, err = untried(ctx, s.f.pool, name); err != nil {
		return err
	}
	s.d, s.mark, s.schema = d, mark, source.schema
	s.cursor = newCursor(s.f.pool, name)
	s.reader = newReader(s.f, d, source.schema)
	s.sender = newSender(ctx, s.f, d, key, stop)
	s.sender.builder.hashKey = []byte(hashKey)
	return nil
}

// permitted checks what a destination may have become since it was added.
func (s *session) permitted(d *Destination, sourceRegion string) error {
	d.Settings.AllowHTTP = d.Settings.AllowHTTP || s.f.opt.AllowHTTP
	d.Settings.AllowPrivate = d.Settings.AllowPrivate || s.f.opt.AllowPrivate
	return d.Check(sourceRegion)
}

// keepLease renews the lease, tells others how the destination does, and ends the session when it is paused or changed.
func (s *session) keepLease(ctx context.Context, cancel context.CancelCauseFunc) {
	last := time.Now()
	for sleep(ctx, min(s.f.opt.Lease/4, time.Second)) == nil {
		mark, status, err := s.cursor.renew(ctx, s.f.opt.Lease, s.sender.transport.trouble())
		switch {
		case err == nil && status == Paused:
			cancel(&PausedError{Destination: s.d.Name})
		case err == nil && mark != s.mark:
			cancel(errChanged)
		case err == nil:
			last = time.Now()
			continue
		case errors.Is(err, errLost), time.Since(last) > s.f.opt.Lease*3/4:
			cancel(errLost)
		default:
			continue
		}
		return
	}
}

// watch ends a replay when its destination is paused or changed. A replay has no lease: it moves no cursor.
func (s *session) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	for sleep(ctx, min(s.f.opt.Lease/4, time.Second)) == nil {
		d, mark, err := getMarked(ctx, s.f.pool, s.d.Name)
		switch {
		case errors.Is(err, ErrNotFound):
			cancel(err)
		case err != nil: // Postgres is away: what is sent cannot be noted, and that ends it
			continue
		case d.Status == Paused:
			cancel(&PausedError{Destination: s.d.Name, Reason: d.LastError})
		case mark != s.mark:
			cancel(errReplayChanged)
		default:
			continue
		}
		return
	}
}

// work reads a piece while the one before is sent.
func (s *session) work(ctx context.Context) error {
	defer s.sender.close()
	ctx, cancel := context.WithCancel(ctx)
	pieces, failed := make(chan *piece), make(chan error, 1)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		for p := range pieces {
			p.close()
		}
		wg.Wait()
	}()
	wg.Go(func() {
		defer close(pieces)
		failed <- s.read(ctx, pieces)
	})
	for p := range pieces {
		err := s.send(ctx, p)
		p.close()
		if err != nil {
			return err
		}
	}
	return <-failed
}

// read hands on pieces until there are no more; unless the options say so, it waits for them.
func (s *session) read(ctx context.Context, pieces chan<- *piece) error {
	for {
		p, err := s.reader.next(ctx)
		if err != nil {
			return err
		}
		if p == nil {
			if s.f.opt.ends() {
				return nil
			}
			if err := sleep(ctx, s.f.opt.Poll); err != nil {
				return err
			}
			continue
		}
		select {
		case pieces <- p:
		case <-ctx.Done():
			p.close()
			return context.Cause(ctx)
		}
	}
}

// send sends a piece part by part. After each part everything in it has arrived or is in _undelivered, and the cursor
// moves.
func (s *session) send(ctx context.Context, p *piece) error {
	for {
		part, err := s.sender.part(ctx, p, s.reader.partRows())
		if err != nil {
			return err
		}
		if err := s.believable(part); err != nil {
			return err
		}
		if err := s.settle(ctx, part); err != nil {
			return err
		}
		if part.last {
			return nil
		}
	}
}

// suspectRefusals is how many messages a destination that has never taken one may refuse.
const suspectRefusals = 10

// believable tells messages that are wrong from a destination that is: one that has refused all that it ever got may have
// a wrong key, which some say with 400 as well.
func (s *session) believable(p *part) error {
	if p.sent > 0 {
		s.untried = false
	}
	rejected, last := 0, ""
	for i := range p.undelivered {
		if p.undelivered[i].Reason == rejectedReason {
			rejected, last = rejected+1, p.undelivered[i].Response
		}
	}
	if !s.untried || rejected < suspectRefusals {
		return nil
	}
	return &PausedError{Destination: s.d.Name, Reason: fmt.Sprintf("it has refused %d messages and never taken one; the last answer was %s. "+
		"Check endpoint and key; if it is right about the messages, leave their events out", rejected, last)}
}

func (s *session) settle(ctx context.Context, part *part) error {
	p95, _ := s.sender.transport.latency()
	hit("federate-sent")
	var err error
	if s.f.opt.replays() {
		err = s.cursor.keepUndelivered(ctx, part)
	} else {
		err = s.cursor.advance(ctx, part, p95)
	}
	if err != nil {
		return err
	}
	hit("federate-noted")
	s.moved = true
	s.progress.Sent += part.sent
	s.progress.Filtered += part.filtered
	s.progress.Undelivered += int64(len(part.undelivered))
	s.progress.Seq = part.end.seq
	s.f.count(s.progress)
	if s.f.opt.Progress != nil {
		if s.progress.Pending, err = s.reader.pending(ctx, part.end); err != nil {
			return err
		}
		s.f.opt.Progress(s.progress)
	}
	return nil
}
