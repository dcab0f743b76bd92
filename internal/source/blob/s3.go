package blob

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// s3Store is S3 and what speaks its protocol.
func s3Store() *store {
	return &store{
		open: openS3,
		lacks: func(ctx context.Context, b *blob.Bucket) string {
			var client *s3.Client
			if b == nil || !b.As(&client) {
				return ""
			}
			o := client.Options()
			if o.Region == "" {
				return "no region was found: name it with ?region= or AWS_REGION"
			}
			if o.Credentials == nil {
				return ""
			}
			if _, err := o.Credentials.Retrieve(ctx); err != nil {
				return "no credentials were found: in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws (?profile= names one), or " +
					"of the machine's role; of a public bucket, add ?anonymous=true"
			}
			return ""
		},
		// The library reads __0x41__ in a name as A, and writes the slash of ../ as something like that.
		name: func(o *blob.ListObject) string {
			var object types.Object
			if o.As(&object) && object.Key != nil {
				return *object.Key
			}
			return o.Key
		},
		below: func(prefix string) func(as func(any) bool) error {
			return func(as func(any) bool) error {
				var in *s3.ListObjectsV2Input
				if as(&in) && prefix != "" {
					in.Prefix = aws.String(prefix)
				}
				return nil
			}
		},
		version: func(o *blob.ListObject) string {
			var object types.Object
			if o.As(&object) {
				return strings.Trim(aws.ToString(object.ETag), `"`)
			}
			return ""
		},
		pin: func(object, version string) func(as func(any) bool) error {
			return func(as func(any) bool) error {
				var in *s3.GetObjectInput
				if as(&in) {
					in.Key = aws.String(object)
					if version != "" {
						in.IfMatch = aws.String(`"` + version + `"`)
					}
				}
				var options *[]func(*s3.Options)
				if as(&options) { // a line on the standard error for each object that was stored without a checksum
					*options = append(*options, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
				}
				return nil
			}
		},
		got: func(r *blob.Reader) string {
			var out s3.GetObjectOutput
			if r.As(&out) {
				return strings.Trim(aws.ToString(out.ETag), `"`)
			}
			return ""
		},
		status: func(err error) int {
			var re *awshttp.ResponseError
			if errors.As(err, &re) {
				return re.HTTPStatusCode()
			}
			return 0
		},
		partial: never,
		regular: always,
	}
}

// openS3 opens a bucket with the SDK's default chain of credentials. A store of somebody else has no regions: it gets
// the one that such stores take for granted.
func openS3(ctx context.Context, u *url.URL) (*blob.Bucket, error) {
	q := u.Query()
	if q.Has("endpoint") && !q.Has("region") && os.Getenv("AWS_REGION") == "" && os.Getenv("AWS_DEFAULT_REGION") == "" {
		q.Set("region", "us-east-1")
		u.RawQuery = q.Encode()
	}
	return new(s3blob.URLOpener).OpenBucketURL(ctx, u)
}
