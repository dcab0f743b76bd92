package clevertap

import (
	"errors"
	"fmt"
)

// class is what an answer means for what is done next.
type class uint8

const (
	classNone     class = iota
	classThrottle       // too many requests: wait longer
	classPending        // not ready: ask again soon
	classFault          // the server or the way to it: ask again
	classExpired        // the cursor is dead: the window starts again
	classRefused        // the event is not given away
	classUnknown        // the account has no such event
	classDenied         // the account or its passcode is wrong: nothing will work
	classBad            // the request is wrong: asking again does not help
)

// ReplyError is an answer of the API that is not what was asked for.
type ReplyError struct {
	// Status is the HTTP status, Code the code in the answer; 0 if there is none.
	Status, Code int
	// Text is what the API says, shortened, without the passcode.
	Text  string
	class class
	err   error
}

// Error says what came.
func (e *ReplyError) Error() string {
	text := e.Text
	if text == "" && e.err != nil {
		text = e.err.Error()
	}
	switch {
	case e.Status == 0:
		return text
	case e.Code != 0:
		return fmt.Sprintf("CleverTap answered with HTTP %d, code %d: %s", e.Status, e.Code, text)
	}
	return fmt.Sprintf("CleverTap answered with HTTP %d: %s", e.Status, text)
}

// Unwrap returns the cause, if it is not the answer itself.
func (e *ReplyError) Unwrap() error { return e.err }

func classOf(err error) class {
	var reply *ReplyError
	if errors.As(err, &reply) {
		return reply.class
	}
	return classNone
}

// Denied reports whether the account or its passcode is the cause: nothing of this account can be read.
func Denied(err error) bool { return classOf(err) == classDenied }

// WindowError says that a window could not be read. Nothing of it is stored.
type WindowError struct {
	Window Window
	Err    error
	Hint   string // what to do; may be empty
}

// Error names the window, the cause and the hint.
func (e *WindowError) Error() string {
	text := fmt.Sprintf("pull %s: %v", e.Window.Name(), e.Err)
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// Unwrap returns the cause.
func (e *WindowError) Unwrap() error { return e.Err }

// ErrCursorLoop says that the API gave a cursor again that it had given before in the same window.
var ErrCursorLoop = errors.New("cursor_loop: the API gave the same cursor twice")

// ErrUnknownEvent says that the account has no event of that name.
var ErrUnknownEvent = errors.New("the account has no event of this name")

// errGaveUp says that a request was repeated until the patience was at its end.
type errGaveUp struct {
	after string
	last  error
}

func (e *errGaveUp) Error() string { return fmt.Sprintf("given up after %s: %v", e.after, e.last) }
func (e *errGaveUp) Unwrap() error { return e.last }
