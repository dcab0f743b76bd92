package blob

import (
	"context"
	"net/url"

	"gocloud.dev/blob"
)

// store is what the kinds of object stores do differently.
type store struct {
	open func(ctx context.Context, u *url.URL) (*blob.Bucket, error)
	// name is an object's name as the store has it, where the library's may be another; nil if both are the same. A read is
	// for that name then.
	name func(o *blob.ListObject) string
	// below prepares a listing of the names that begin with a prefix; nil if the library does that.
	below func(prefix string) func(as func(any) bool) error
	// lacks says what is missing to ask the store at all, and where it is looked for; empty if nothing is. It is called after
	// a failure; b is nil if the bucket could not be opened.
	lacks func(ctx context.Context, b *blob.Bucket) string
	// version tells an object's bytes from others of the same name.
	version func(o *blob.ListObject) string
	// pin prepares a read so that it fails if the object is another version by now.
	pin func(object, version string) func(as func(any) bool) error
	// got is the version that a read was answered with, empty if that is not told: not all that speak a store's protocol heed
	// a pin.
	got func(r *blob.Reader) string
	// status is the HTTP status that an error stands for, 0 if none.
	status func(err error) int
	// partial reports whether an object may be seen before it is complete.
	partial func(o *blob.ListObject) bool
	// regular reports whether it is an object at all.
	regular func(o *blob.ListObject) bool
	// recheck looks whether an object that was read without a pin that holds is still the same; nil if pins hold.
	recheck func(ctx context.Context, b *blob.Bucket, name, version string, size int64) (bool, error)
	// bare prepares the context of a read so that nothing on the way decompresses what is stored as compressed; nil if
	// the client leaves that alone.
	bare func(ctx context.Context) context.Context
}

func never(*blob.ListObject) bool  { return false }
func always(*blob.ListObject) bool { return true }

const (
	schemeS3    = "s3"
	schemeAzure = "azblob"
	schemeGCS   = "gs"
	schemeFile  = "file"
)

// Schemes are the kinds of stores that were built in, as URLs begin.
func Schemes() []string {
	all := []string{schemeS3, schemeAzure, schemeFile}
	if gcsStore() != nil {
		all = append(all, schemeGCS)
	}
	return all
}

func storeOf(scheme string) *store {
	switch scheme {
	case schemeS3:
		return s3Store()
	case schemeAzure:
		return azureStore()
	case schemeGCS:
		return gcsStore()
	}
	return localStore()
}

// bucket is an open bucket.
type bucket struct {
	*blob.Bucket
	store *store
	root  string
}

// openBucket opens the bucket of a target. It reads credentials, from wherever the store's SDK does, but may not ask the
// store yet.
func openBucket(ctx context.Context, t *target) (*bucket, error) {
	b := &bucket{store: storeOf(t.scheme), root: t.root()}
	u := &url.URL{Scheme: t.scheme, Host: t.bucket, RawQuery: t.query}
	if t.scheme == schemeFile {
		u.Host, u.Path = "", t.bucket
	}
	var err error
	if b.Bucket, err = b.store.open(ctx, u); err != nil {
		return nil, b.explain(ctx, opOpen, t.root(), err)
	}
	return b, nil
}
