//go:build !nogcs

package blob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
)

// gcsStore is Google's Cloud Storage.
func gcsStore() *store {
	return &store{
		open: openGCS,
		lacks: func(_ context.Context, b *blob.Bucket) string {
			if b != nil {
				return ""
			}
			return "name a file of credentials in GOOGLE_APPLICATION_CREDENTIALS, or sign in with gcloud auth application-default login; of a public bucket, add ?anonymous=true"
		},
		version: func(o *blob.ListObject) string {
			var attrs storage.ObjectAttrs
			if o.As(&attrs) {
				return strconv.FormatInt(attrs.Generation, 10)
			}
			return ""
		},
		pin: func(_, version string) func(as func(any) bool) error {
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
	if os.Getenv("STORAGE_EMULATOR_HOST") != "" || u.Query().Get("anonymous") == "true" {
		client := gcp.NewAnonymousHTTPClient(asStored{gcp.DefaultTransport()})
		// Of an emulator the driver takes the SDK's own client, were it not for the option.
		o := gcsblob.Options{ClientOptions: []option.ClientOption{option.WithHTTPClient(&client.Client)}}
		return (&gcsblob.URLOpener{Client: client, Options: o}).OpenBucketURL(ctx, u)
	}
	creds, err := gcp.DefaultCredentials(ctx)
	if err != nil {
		return nil, fmt.Errorf("find credentials: %w", err)
	}
	client, err := gcp.NewHTTPClient(asStored{gcp.DefaultTransport()}, gcp.CredentialsTokenSource(creds))
	if err != nil {
		return nil, fmt.Errorf("use credentials: %w", err)
	}
	return (&gcsblob.URLOpener{Client: client, TokenSource: gcp.CredentialsTokenSource(creds)}).OpenBucketURL(ctx, u)
}

// asStored keeps from the SDK that bytes are compressed, which were asked for as they are stored. It takes them for
// something that the server decompresses, and so believes that a part of them cannot be had: where a connection broke, it
// goes on at the wrong place.
type asStored struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (a asStored) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := a.RoundTripper.RoundTrip(r)
	if err == nil && r.Header.Get("Accept-Encoding") == "gzip" {
		res.Header.Del("Content-Encoding")
		res.Header.Del("X-Goog-Stored-Content-Encoding")
	}
	return res, err
}
