//go:build !nogcs

package blob

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
	"google.golang.org/api/googleapi"
)

// gcsStore is Google's Cloud Storage.
func gcsStore() *store {
	return &store{
		open: openGCS,
		version: func(o *blob.ListObject) string {
			var attrs storage.ObjectAttrs
			if o.As(&attrs) {
				return strconv.FormatInt(attrs.Generation, 10)
			}
			return ""
		},
		pin: func(version string) func(as func(any) bool) error {
			return func(as func(any) bool) error {
				var object **storage.ObjectHandle
				generation, err := strconv.ParseInt(version, 10, 64)
				if as(&object) && err == nil {
					// Compressed as it is stored: sizes, offsets and checksums are those of the object then.
					*object = (*object).If(storage.Conditions{GenerationMatch: generation}).ReadCompressed(true)
				}
				return nil
			}
		},
		got: func(r *blob.Reader) string {
			var out *storage.Reader
			if r.As(&out) && out.Attrs.Generation > 0 {
				return strconv.FormatInt(out.Attrs.Generation, 10)
			}
			return ""
		},
		status: func(err error) int {
			var re *googleapi.Error
			if errors.As(err, &re) {
				return re.Code
			}
			return 0
		},
		partial: never,
		regular: always,
	}
}

// openGCS opens a bucket with the application default credentials. The driver's own opener prints a warning if there are
// none, to where data goes, and then asks the store without.
func openGCS(ctx context.Context, u *url.URL) (*blob.Bucket, error) {
	anonymous := u.Query().Get("anonymous") == "true"
	if anonymous || os.Getenv("STORAGE_EMULATOR_HOST") != "" {
		return (&gcsblob.URLOpener{Client: gcp.NewAnonymousHTTPClient(gcp.DefaultTransport())}).OpenBucketURL(ctx, u)
	}
	creds, err := gcp.DefaultCredentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("find credentials: %w", err)
	}
	client, err := gcp.NewHTTPClient(gcp.DefaultTransport(), gcp.CredentialsTokenSource(creds))
	if err != nil {
		return nil, fmt.Errorf("use credentials: %w", err)
	}
	return (&gcsblob.URLOpener{Client: client, TokenSource: gcp.CredentialsTokenSource(creds)}).OpenBucketURL(ctx, u)
}
