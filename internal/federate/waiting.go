package federate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/analytics-go/v3"
)

// rejectedReason is that of a message which the destination has answered 400 for.
const rejectedReason = "rejected"

// entry is a message that waits for its answer.
type entry struct {
	table, row string
	size       int
	copies     int // rows of two tables may have one id
}

// waiting keeps which messages of a part have no answer yet, and how many there may be. It is the client's Callback.
type waiting struct {
	mu          sync.Mutex
	free        sync.Cond
	entries     map[string]entry
	bytes       int
	count       int
	events      int // messages that came or went
	parallel    int
	stopped     bool
	failed      error
	abort       context.CancelCauseFunc // ends the session, and so what its requests wait for
	undelivered []Undelivered
	kept        int  // bytes of the messages in undelivered
	collect     bool // keep delivered
	delivered   []string
}

func newWaiting(parallel int, abort context.CancelCauseFunc) *waiting {
	w := &waiting{entries: map[string]entry{}, parallel: parallel, abort: abort}
	w.free.L = &w.mu
	return w
}

// add waits until there is room for a message.
func (w *waiting) add(ctx context.Context, e entry, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.stopped && w.failed == nil && (w.bytes > outstandingBytes*(w.parallel+1)/2 || w.count >= batchEvents*(w.parallel+1)) {
		w.free.Wait()
	}
	if w.stopped {
		return context.Cause(ctx)
	}
	if w.failed != nil {
		return w.failed
	}
	e.copies = w.entries[id].copies + 1
	w.entries[id] = e
	w.bytes += e.size
	w.count++
	w.events++
	return nil
}

// watch makes the part fail if for that long nothing was answered although no request is under way: a panic within the
// client is noted in its log only, and whose messages it had is never told.
func (w *waiting) watch(ctx context.Context, patience time.Duration, busy func() bool) {
	last, quiet := 0, time.Now()
	for sleep(ctx, min(patience/4, time.Second)) == nil {
		w.mu.Lock()
		if w.events != last || w.count == 0 || busy() {
			last, quiet = w.events, time.Now()
		} else if time.Since(quiet) > max(patience, 3*time.Second) {
			w.fail(errSilent)
		}
		w.mu.Unlock()
	}
}

// fail makes an end to the part.
func (w *waiting) fail(err error) {
	if w.failed == nil {
		w.failed = err
	}
	w.free.Broadcast()
	w.abort(err)
}

// stop wakes whoever waits for room.
func (w *waiting) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.free.Broadcast()
}

// answered takes a message out.
func (w *waiting) answered(id string) {
	e, ok := w.entries[id]
	if !ok {
		return
	}
	w.bytes -= e.size
	w.count--
	w.events++
	if e.copies--; e.copies > 0 {
		w.entries[id] = e
	} else {
		delete(w.entries, id)
	}
	w.free.Signal()
}

// Success implements analytics.Callback.
func (w *waiting) Success(m analytics.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.collect {
		w.delivered = append(w.delivered, messageID(m))
	}
	w.answered(messageID(m))
}

// Failure implements analytics.Callback. The transport does not fail before the session ends; what is left are messages
// that the client itself does not take.
func (w *waiting) Failure(m analytics.Message, err error) {
	var reason string
	var unsupported *json.UnsupportedValueError
	var marshaler *json.MarshalerError
	switch {
	case errors.Is(err, analytics.ErrMessageTooBig):
		reason = "too_large"
	case errors.As(err, &unsupported), errors.As(err, &marshaler):
		reason = "invalid"
	default:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.fail(fmt.Errorf("client: %w", err))
		return
	}
	w.reject(messageID(m), reason, err.Error(), encode(m))
}

// reject notes a message that is not delivered, and that it is answered.
func (w *waiting) reject(id, reason, response string, message json.RawMessage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(id, reason, response, message)
	w.answered(id)
}

// refused notes a message that the destination does not take; the client is told that it was sent.
func (w *waiting) refused(id, response string, message json.RawMessage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(id, rejectedReason, response, message)
}

// undeliveredBytes is how much of the messages of one part is kept with those that are not taken: a part may have thousands
// of large ones. Of those above it only their rows are noted, which have all of them.
const undeliveredBytes = 8 << 20

func (w *waiting) note(id, reason, response string, message json.RawMessage) {
	e := w.entries[id]
	if w.kept += len(message); w.kept > undeliveredBytes {
		message = json.RawMessage("null")
	}
	w.undelivered = append(w.undelivered, Undelivered{
		MessageID: id, Table: e.table, RowID: e.row, Reason: reason, Response: response, Message: message,
	})
}

// result says whether all messages were answered.
func (w *waiting) result() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.failed != nil:
		return w.failed
	case len(w.entries) > 0:
		return fmt.Errorf("the client has not answered for %d messages", len(w.entries))
	}
	return nil
}
