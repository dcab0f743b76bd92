package loader

import (
	"io"
	"log/slog"
	"time"

	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

// FileOptions say how files are read. The zero value detects the format of each file.
type FileOptions struct {
	// Format is segment, clevertap, segment-csv, clevertap-csv or clevertap-parquet. Defaults to looking at each file's first
	// record.
	Format string
	// Timezone is the time zone of the CleverTap project and Account its account id. Both are required for CleverTap's
	// formats: their times have no zone and their records no id (rules 24 and 25).
	Timezone *time.Location
	Account  string
	// Event is the event of CleverTap records that do not name theirs. Defaults to the one in the file's name, if that is
	// made as CleverTap makes it.
	Event string
	// UserIdentity is what becomes the user_id of CleverTap records: identity, email, phone or clevertap_id. Defaults
	// to identity (rule 22).
	UserIdentity string
	// UnitMaxBytes is the size up to which a plain file, or the standard input, is one unit, so one transaction. A larger
	// one is loaded in ranges of equal size, each a unit; ids, lines and offsets are still those of the whole. Defaults to
	// 4 GiB.
	UnitMaxBytes int64
	// Stdin is what the path - means. Defaults to the process's standard input.
	Stdin io.Reader
	// TempDir is where the standard input, Parquet that is compressed as a whole, and the counts of repeated records are
	// spooled. Defaults to the system's.
	TempDir string
	// Logger gets what is skipped. Defaults to none.
	Logger *slog.Logger
}

// Files returns the events in paths: files, folders, globs, and - for the standard input; plain, gzip or zstd. For objects
// of S3 and other stores see package loader/objects. Each
// file is a unit; a plain one above UnitMaxBytes is several. The error names a path that does not exist or options that
// contradict each other. The Source is an io.Closer: closing it, when no Load is running, releases its temporary files.
func Files(paths []string, o FileOptions) (Source, error) {
	return file.New(paths, file.Options{
		Format: o.Format, Timezone: o.Timezone, Account: o.Account, Event: o.Event, UserIdentity: o.UserIdentity,
		UnitMaxBytes: o.UnitMaxBytes, LoadStart: schema.Micros(time.Now().UnixMicro()), Stdin: o.Stdin, TempDir: o.TempDir, Logger: o.Logger,
	})
}
