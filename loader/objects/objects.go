// Package objects is the loader's source of objects in object stores: S3 and what speaks its protocol, Google Cloud
// Storage, Azure Blob Storage, and folders treated alike.
//
//	src, err := objects.Open(ctx, []string{"s3://exports/clevertap/**"}, objects.Options{Timezone: zone, Account: "ABC-123"})
//	defer src.Close()
//	report, err := l.Load(ctx, src)
//
// It is a package of its own, and not a function beside loader.Files, so that a program that loads files only is not
// linked with the SDKs of three clouds. With the build tag nogcs Google's, the largest of them, is left out.
package objects

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/tapline/tapline/internal/source/blob"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/loader"
	"github.com/tapline/tapline/schema"
)

// Options say which objects are read, and how. The zero value reads all that the URLs mean, and detects the format of each.
type Options struct {
	// Format is segment, clevertap, segment-csv, clevertap-csv or clevertap-parquet. Defaults to looking at each object's
	// first record; what lies in Segment's segment-logs/ folders is segment.
	Format string
	// Timezone is the time zone of the CleverTap project and Account its account id. Both are required for CleverTap's
	// formats: their times have no zone and their records no id.
	Timezone *time.Location
	Account  string
	// Event is the event of CleverTap records that do not name theirs. Defaults to the one in the object's name, if that is
	// made as CleverTap makes it.
	Event string
	// UserIdentity is what becomes the user_id of CleverTap records: identity, email, phone or clevertap_id. Defaults to
	// identity.
	UserIdentity string
	// Since and Until bound the days of the objects that are read, both included, as far as their names tell one. The zero
	// time bounds nothing.
	Since, Until time.Time
	// Known returns which of the units with these keys are loaded; nothing is fetched of those. Defaults to none: the
	// loader skips them in any case.
	Known func(ctx context.Context, keys []string) (map[string]bool, error)
	// Watch makes the source go on for ever: it lists the URLs again each PollInterval, and yields what is new, until the
	// context of the Load ends. PollInterval defaults to ten seconds.
	Watch        bool
	PollInterval time.Duration
	// Prefetch is how many bytes of small objects are held, those that are being loaded included. Defaults to 16 MiB; negative
	// fetches nothing ahead.
	Prefetch int64
	// TempDir is where Parquet that is compressed, or too large to be held, and the counts of repeated records are spooled.
	// Defaults to the system's.
	TempDir string
	// Logger gets what is tried again. Defaults to none.
	Logger *slog.Logger
}

// Source is a loader.Source that has to be closed, when no Load is running.
type Source interface {
	loader.Source
	io.Closer
}

// Open returns the objects that URLs mean: scheme://bucket/name with the schemes s3, gs, azblob and file. A name may hold
// the wildcards *, ** (slashes, too), ? and [a-z]; without any it means the object of that name and all below it. The
// store's settings follow as in s3://exports/**?region=eu-west-1&endpoint=https://minio.example.com&use_path_style=true.
// Credentials are found as the store's SDK finds them, with ctx; in a URL they are refused. Each object is a unit: its
// key is bucket, name, version and size, so that a changed object is loaded again. Objects are listed by Load. The error
// names the URL or option that is wrong, without its settings.
func Open(ctx context.Context, urls []string, o Options) (Source, error) {
	return blob.New(ctx, urls, blob.Options{
		File: file.Options{
			Format: o.Format, Timezone: o.Timezone, Account: o.Account, Event: o.Event, UserIdentity: o.UserIdentity,
			LoadStart: schema.Micros(time.Now().UnixMicro()), TempDir: o.TempDir, Watch: o.Watch, PollInterval: o.PollInterval,
			Logger: o.Logger,
		},
		Since: o.Since, Until: o.Until, Known: o.Known, Prefetch: o.Prefetch,
	})
}
