package migrations

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"

	"github.com/golang-migrate/migrate/v4/source"
)

// fileNames are the names that golang-migrate takes for migrations; it ignores all others, and so do we.
var fileNames = regexp.MustCompile(`^([0-9]+)_(.*)\.(up|down)\.sql$`)

// ParseFileName takes the name of a file such as 000002_add_price.up.sql apart. ok is false if golang-migrate would not
// take it for a migration.
func ParseFileName(name string) (version uint, title string, up, ok bool) {
	m := fileNames.FindStringSubmatch(name)
	if m == nil {
		return 0, "", false, false
	}
	n, err := strconv.ParseUint(m[1], 10, 63)
	if err != nil {
		return 0, "", false, false
	}
	return uint(n), m[2], m[3] == "up", true
}

// ReadFolder reads the migrations in the root of a folder, in the order of their numbers; other files are ignored. A
// missing down file is an empty Down. The error joins a *DuplicateError for each number that two files have and a
// *NoUpError for each down file without an up file; the files that are right are returned all the same.
func ReadFolder(dir fs.FS) ([]File, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("read folder of migrations: %w", err)
	}
	byNumber := map[uint]*File{}
	upName := map[uint]string{}
	downName := map[uint]string{}
	var errs []error
	for _, entry := range entries {
		version, title, up, ok := ParseFileName(entry.Name())
		if !ok || entry.IsDir() {
			continue
		}
		names := downName
		if up {
			names = upName
		}
		if names[version] != "" {
			errs = append(errs, &DuplicateError{Version: version, Files: [2]string{names[version], entry.Name()}})
			continue
		}
		names[version] = entry.Name()
		text, err := fs.ReadFile(dir, entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		f := byNumber[version]
		if f == nil {
			f = &File{Version: version, Name: title}
			byNumber[version] = f
		}
		if up {
			f.Name, f.Up = title, string(text)
		} else {
			f.Down = string(text)
		}
	}
	files := make([]File, 0, len(byNumber))
	for version, f := range byNumber {
		if upName[version] == "" {
			errs = append(errs, &NoUpError{Version: version, Down: downName[version]})
			continue
		}
		files = append(files, *f)
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Version, b.Version) })
	return files, errors.Join(errs...)
}

// Source serves files, which are in the order of their numbers, to golang-migrate.
func Source(files []File) source.Driver { return fileSource(files) }
