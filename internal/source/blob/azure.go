package blob

import (
	"context"
	"errors"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	azureblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob"
	driver "gocloud.dev/blob/azureblob"
)

// azureStore is Azure's blob storage.
func azureStore() *store {
	opener := blob.DefaultURLMux()
	_ = driver.Scheme // its opener is there because it is imported
	return &store{
		open: opener.OpenBucketURL,
		lacks: func(_ context.Context, b *blob.Bucket) string {
			if b != nil {
				return ""
			}
			return "name the account with ?storage_account= or AZURE_STORAGE_ACCOUNT, and its key in AZURE_STORAGE_KEY, or sign in as Azure's tools do"
		},
		version: func(o *blob.ListObject) string {
			var item container.BlobItem
			if o.As(&item) && item.Properties != nil && item.Properties.ETag != nil {
				return string(*item.Properties.ETag)
			}
			return ""
		},
		pin: func(_, version string) func(as func(any) bool) error {
			return func(as func(any) bool) error {
				var in *azblob.DownloadStreamOptions
				if as(&in) && version != "" {
					tag := azcore.ETag(version)
					in.AccessConditions = &azureblob.AccessConditions{
						ModifiedAccessConditions: &azureblob.ModifiedAccessConditions{IfMatch: &tag},
					}
				}
				return nil
			}
		},
		got: func(r *blob.Reader) string {
			var out azureblob.DownloadStreamResponse
			if r.As(&out) && out.ETag != nil {
				return string(*out.ETag)
			}
			return ""
		},
		status: func(err error) int {
			var re *azcore.ResponseError
			if errors.As(err, &re) {
				return re.StatusCode
			}
			return 0
		},
		// A blob that is appended to is visible while it grows.
		partial: func(o *blob.ListObject) bool {
			var item container.BlobItem
			return o.As(&item) && item.Properties != nil && item.Properties.BlobType != nil &&
				*item.Properties.BlobType == azureblob.BlobTypeAppendBlob
		},
		regular: always,
		// Go's HTTP client asks for gzip if nobody else says what to ask for, and decompresses what is stored with that
		// Content-Encoding.
		bare: func(ctx context.Context) context.Context {
			return policy.WithHTTPHeader(ctx, http.Header{"Accept-Encoding": {"identity"}})
		},
	}
}
