package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"

	"gocloud.dev/gcerrors"
)

// Error says that a store refused or broke off a request: after retries, if it could have passed.
type Error struct {
	Op   string // list, open, read
	Name string // of the object or bucket, as a URL without settings
	Hint string // what to do; may be empty
	Err  error  // the driver's
}

// Error names the request, the object, the cause and the hint in one line, without anything that may be secret.
func (e *Error) Error() string {
	text := e.Op + " " + e.Name + ": " + clean(e.Err)
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Unwrap returns the cause. Its own text may hold secrets, such as the token in a URL.
func (e *Error) Unwrap() error { return e.Err }

var (
	queries = regexp.MustCompile(`([a-z0-9+]+://[^\s"'?]*)\?[^\s"']*`)
	spaces  = regexp.MustCompile(`[\s\-]*\n[\s\-]*`)
)

// maxCause is how much is told of a cause, in bytes: some drivers append the whole reply.
const maxCause = 500

// clean returns an error's text in one line without the queries of URLs.
func clean(err error) string {
	text := queries.ReplaceAllString(spaces.ReplaceAllString(err.Error(), " "), "$1?***")
	text = strings.ToValidUTF8(text, "?")
	if len(text) > maxCause {
		text = strings.ToValidUTF8(text[:maxCause], "") + "..."
	}
	return text
}

// errChanged says that an object is another one by now, or has gone.
var errChanged = errors.New("the object was overwritten or deleted while being read")

// explain translates an error of a driver. Those of the context stay as they are.
func (b *bucket) explain(ctx context.Context, op, name string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", op, name, context.Cause(ctx))
	}
	e := &Error{Op: op, Name: name, Err: err}
	status := b.store.status(err)
	switch code := gcerrors.Code(err); {
	case status == http.StatusMovedPermanently || status == http.StatusTemporaryRedirect:
		e.Hint = "the bucket is in another region: name it with ?region= or AWS_REGION"
	case code == gcerrors.PermissionDenied, status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Hint = "the credentials that were found may not do this; they need to list the bucket and to get its objects"
	case code == gcerrors.NotFound && op == opList:
		e.Hint = "there is no such bucket, or the credentials do not show it"
	case status == 0 && b.store.lacks != nil:
		e.Hint = b.store.lacks(ctx, b.Bucket)
	}
	return e
}

const (
	opList = "list"
	opOpen = "open"
	opRead = "read"
)

// passes reports whether the same request may succeed a little later. early is before the store has answered at all: then
// a fault of the network is one of the configuration.
func (b *bucket) passes(err error, early bool) bool {
	if errors.Is(err, errChanged) {
		return false
	}
	switch status := b.store.status(err); {
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500 && status != http.StatusNotImplemented:
		return true
	case status >= 300:
		return false
	}
	switch gcerrors.Code(err) {
	case gcerrors.NotFound, gcerrors.PermissionDenied, gcerrors.FailedPrecondition, gcerrors.InvalidArgument, gcerrors.Unimplemented:
		return false
	}
	var network net.Error
	return !early && (errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) // ours have been told before
}

// gone reports whether an object is no longer what was listed.
func (b *bucket) gone(err error) bool {
	if errors.Is(err, errChanged) {
		return true
	}
	switch b.store.status(err) {
	case http.StatusPreconditionFailed, http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable:
		return true
	case 0:
		code := gcerrors.Code(err)
		return code == gcerrors.FailedPrecondition || code == gcerrors.NotFound
	}
	return false
}
