package blob

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"strconv"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// localStore is a folder, read as a bucket is: for mounted stores, and to try things.
func localStore() *store {
	return &store{
		open: openFolder,
		version: func(o *blob.ListObject) string {
			var info os.FileInfo
			if o.As(&info) {
				return versionOf(info)
			}
			return ""
		},
		pin: func(_, version string) func(as func(any) bool) error {
			return func(as func(any) bool) error {
				var f *os.File
				if !as(&f) {
					return nil
				}
				info, err := f.Stat()
				if err == nil && (!info.Mode().IsRegular() || versionOf(info) != version) {
					err = errChanged
				}
				return err
			}
		},
		got:     func(*blob.Reader) string { return "" },
		status:  func(error) int { return 0 },
		partial: always,
		regular: func(o *blob.ListObject) bool {
			var info os.FileInfo
			return o.As(&info) && info.Mode().IsRegular() // as it was listed: links are not followed
		},
		recheck: func(ctx context.Context, b *blob.Bucket, name, version string, size int64) (bool, error) {
			attrs, err := b.Attributes(ctx, name)
			if err != nil {
				return false, err
			}
			var info os.FileInfo
			return attrs.As(&info) && versionOf(info) == version && info.Size() == size, nil
		},
	}
}

// openFolder opens a folder that is there.
func openFolder(ctx context.Context, u *url.URL) (*blob.Bucket, error) {
	info, err := os.Stat(u.Path)
	if err == nil && !info.IsDir() {
		err = errors.New("not a folder")
	}
	var why *fs.PathError
	if errors.As(err, &why) {
		err = why.Err // the path is named already
	}
	if err == nil {
		var list *os.File
		if list, err = os.Open(u.Path); err == nil { // the driver passes over what it may not list
			err = list.Close()
		}
	}
	if err != nil {
		return nil, err
	}
	return new(fileblob.URLOpener).OpenBucketURL(ctx, u)
}

// versionOf tells a file from what it was before somebody wrote to it, beside its name and size.
func versionOf(info fs.FileInfo) string { return strconv.FormatInt(info.ModTime().UnixNano(), 10) }
