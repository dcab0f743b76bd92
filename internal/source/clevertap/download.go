package clevertap

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// maxRestarts is how often a window starts again because its cursor has died.
const maxRestarts = 10

// download reads a whole window into a spool, which is the caller's to close. The error is a *WindowError unless it is ctx's.
func (c *Client) download(ctx context.Context, w Window, dir string) (*spool, error) {
	s := &spool{dir: dir}
	start := s.mark()
	for restarts := 0; ; restarts++ {
		err := c.pages(ctx, w, s)
		switch {
		case err == nil:
			s.done()
			return s, nil
		case ctx.Err() != nil:
			return nil, errors.Join(context.Cause(ctx), s.close())
		case classOf(err) == classExpired && restarts < maxRestarts:
			c.opts.Logger.InfoContext(ctx, "cursor has expired, window starts again", "window", w.Name(), "cause", err)
			s.back(start)
			continue
		}
		return nil, errors.Join(c.explain(w, err), s.close())
	}
}

// explain makes an error one of the window, with what can be done about it.
func (c *Client) explain(w Window, err error) error {
	out := &WindowError{Window: w, Err: err, Hint: c.hint(err)}
	if classOf(err) == classUnknown {
		out.Err = fmt.Errorf("%w: %w", ErrUnknownEvent, err)
	}
	return out
}

// hint says what can be done about an error; it may be empty.
func (c *Client) hint(err error) string {
	var reply *ReplyError
	var gaveUp *errGaveUp
	switch class := classOf(err); {
	case class == classDenied:
		return "check the account id, the passcode and the region, which the dashboard's address shows; asked was " + c.base
	case class == classUnknown:
		return "names count in upper and lower case; tapline pull --schema-only --dry-run lists them"
	case class == classExpired:
		return "each of its cursors died before the window was read; try again at a quieter time"
	case errors.As(err, &gaveUp):
		return "run the same command again later: what is loaded stays"
	case errors.As(err, &reply) && strings.Contains(strings.ToLower(reply.Text), "future"):
		return "check the time zone, which has to be the project's, and this machine's clock"
	}
	return ""
}

// pages reads the pages of a window, one after the other.
func (c *Client) pages(ctx context.Context, w Window, s *spool) error {
	var cursor string
	err := c.again(ctx, w, func() (err error) {
		cursor, err = c.begin(ctx, w)
		return err
	})
	if err != nil {
		return err
	}
	seen := map[[16]byte]struct{}{}
	for cursor != "" {
		key := [16]byte(first(sha256.Sum256([]byte(cursor))))
		if _, loop := seen[key]; loop {
			return ErrCursorLoop
		}
		seen[key] = struct{}{}
		m, now := s.mark(), cursor
		err := c.again(ctx, w, func() (err error) {
			s.back(m)
			if err := s.page(); err != nil {
				return err
			}
			cursor, err = c.page(ctx, now, s)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// first is what of a digest tells cursors apart.
func first(digest [32]byte) []byte { return digest[:16] }

// again repeats a request until it succeeds, cannot succeed, or the patience is at its end.
func (c *Client) again(ctx context.Context, w Window, ask func() error) error {
	started := time.Now()
	poll, fault := c.waits(c.opts.PollWait), c.waits(c.opts.MinWait)
	told := false
	for {
		err := ask()
		var wait time.Duration
		switch classOf(err) {
		case classPending:
			wait = poll.NextBackOff()
		case classThrottle, classFault:
			wait = fault.NextBackOff()
		default:
			return err
		}
		if spent := time.Since(started); spent+wait > c.opts.Patience {
			return &errGaveUp{spent.Round(time.Second).String(), err}
		}
		level := slog.LevelDebug
		if !told && time.Since(started) > tellAfter {
			told, level = true, slog.LevelWarn
		}
		c.opts.Logger.Log(ctx, level, "request is repeated", "window", w.Name(), "in", wait.Round(time.Millisecond), "for up to", c.opts.Patience, "cause", err)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// tellAfter is how long requests are repeated before somebody who watches hears of it.
const tellAfter = 30 * time.Second

func (c *Client) waits(first time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: first, MaxInterval: max(first, c.opts.MaxWait), Multiplier: 2, RandomizationFactor: 0.25,
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
