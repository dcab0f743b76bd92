package blob

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"gocloud.dev/blob"

	"github.com/tapline/tapline/internal/source"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

// unit is one version of an object.
type unit struct {
	s       *Source
	bucket  *bucket
	object  string // its name in the bucket
	version string
	size    int64
	key     string
	partial bool // it may still grow
	more    bool

	held *held // its bytes, or the wish for them; nil if none. The cache's.
}

func (s *Source) newUnit(t *openTarget, o *blob.ListObject) *unit {
	u := &unit{
		s: s, bucket: t.bucket, object: o.Key, version: t.bucket.store.version(o), size: o.Size,
		partial: t.bucket.store.partial(o),
	}
	if u.version == "" { // a store that has none
		u.version = strconv.FormatInt(o.ModTime.UnixNano(), 10)
	}
	u.key = fmt.Sprintf("object:%s:%s:%d", printable(t.nameOf(o.Key)), u.version, u.size)
	return u
}

// Key implements source.Unit.
func (u *unit) Key() string { return u.key }

// Kind says that the unit is an object.
func (u *unit) Kind() string { return source.KindObject }

// Name implements source.Unit.
func (u *unit) Name() string {
	return printable(strings.TrimSuffix(u.bucket.root, "/") + "/" + u.object)
}

// Size implements source.Unit.
func (u *unit) Size() int64 { return u.size }

// More reports whether another unit follows without delay.
func (u *unit) More() bool { return u.more }

// TempDir is where temporary files are made on behalf of the unit.
func (u *unit) TempDir() string { return u.s.opts.File.TempDir }

// Open implements source.Unit. It takes the bytes that were fetched ahead, if there are any.
func (u *unit) Open(ctx context.Context, paths *schema.Paths) (source.Reader, error) {
	in := file.Input{Name: u.Name(), Path: u.object, Size: u.size}
	h, err := u.s.cache.take(ctx, u)
	switch {
	case err != nil:
		return nil, err
	case h != nil:
		in.Body = &memory{u: u, held: h, ctx: ctx}
	default:
		in.Body = newBody(ctx, u)
	}
	return u.s.opener.Open(ctx, in, paths)
}

// changed is the error of an object that is another one by now.
func (u *unit) changed(at int64, err error) error {
	return &file.FormatError{
		Path: u.Name(), Reason: file.ChangedWhileRead, Offset: at, Err: err,
		Hint: "the next load takes what is there then",
	}
}

// recheck looks once more at an object whose reads cannot be pinned to a version.
func (u *unit) recheck(ctx context.Context, at int64) error {
	check := u.bucket.store.recheck
	if check == nil || ctx.Err() != nil { // somebody else knows why
		return nil //nolint:nilerr // see above
	}
	same, err := check(ctx, u.bucket.Bucket, u.object, u.version, u.size)
	switch {
	case err != nil && u.bucket.gone(err), err == nil && !same:
		return u.changed(at, errChanged)
	case err != nil:
		return u.bucket.explain(ctx, opRead, u.Name(), err)
	}
	return nil
}

// printable returns a name as text that Postgres and terminals can hold: quoted if it is not clean UTF-8.
func printable(name string) string {
	if !utf8.ValidString(name) {
		return strconv.Quote(name)
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f {
			return strconv.Quote(name)
		}
	}
	return name
}

// fetch reads all of the object.
func (u *unit) fetch(ctx context.Context) ([]byte, error) {
	b := newBody(ctx, u)
	data := make([]byte, u.size)
	_, err := io.ReadFull(b.From(0), data)
	if cerr := b.Close(); err == nil {
		err = cerr
	}
	return data, err
}
