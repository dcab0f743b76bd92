package migrations

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
)

// PendingError says that a folder has files that are not applied, so that nobody knows yet what will be missing after
// them.
type PendingError struct {
	Files []File
}

// Error names the files and what to do.
func (e *PendingError) Error() string {
	first, last := &e.Files[0], &e.Files[len(e.Files)-1]
	which := fmt.Sprintf("migration %d %s of the folder is", first.Version, first.Name)
	if len(e.Files) > 1 {
		which = fmt.Sprintf("migrations %d to %d of the folder are", first.Version, last.Version)
	}
	return which + " not applied to this database: apply them first (tapline migrate up --dir), or, if nobody has applied them anywhere, " +
		"delete them and generate everything in one"
}

// ForFolder returns the files to write into a folder that has files already: those that are applied in the schema and
// missing in the folder, and those of the Proposal. The error is a *PendingError if the folder has files that are not applied, or one of Verify's.
func (m *Migrator) ForFolder(ctx context.Context, nickname string, p Proposal, folder []File) ([]File, error) {
	var kept []File
	err := m.read(ctx, func(s *session) (err error) {
		kept, err = s.asKept(ctx, s.schema)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read migrations of schema %s: %w", m.schema, err)
	}
	write, err := m.missingIn(nickname, folder, kept)
	if err != nil {
		return nil, err
	}
	return append(write, p.Files...), nil
}

// ForNewFolder is ForFolder without a database.
func ForNewFolder(p Proposal, folder []File) ([]File, error) {
	if len(folder) > 0 {
		return nil, &PendingError{folder}
	}
	return p.Files, nil
}

// missingIn returns the applied files that a folder does not have.
func (m *Migrator) missingIn(nickname string, folder, kept []File) ([]File, error) {
	var write []File
	applied := map[uint]bool{}
	for _, k := range kept {
		if !k.Applied() {
			continue
		}
		applied[k.Version] = true
		if _, found := fileSource(folder).find(k.Version); found {
			continue
		}
		if k.Version == 1 && k.Up == "" { // the program's; in a folder it also makes the control schema
			first := firstFile(nickname, m.schema, nil)
			k.Up, k.Down = first.Up, first.Down
		}
		if k.Up == "" {
			return nil, &NoTextError{Version: k.Version, Name: k.Name}
		}
		write = append(write, k)
	}
	if waiting := keep(folder, func(f File) bool { return !applied[f.Version] }); len(waiting) > 0 {
		return nil, errors.Join(Verify(folder, kept), &PendingError{waiting})
	}
	all := append(append([]File(nil), write...), folder...)
	slices.SortFunc(all, func(a, b File) int { return int(a.Version) - int(b.Version) })
	return write, Verify(all, kept)
}

// WriteFolder writes files into a folder, which is made if need be, as NNNNNN_name.up.sql and NNNNNN_name.down.sql. With an error,
// such as a file that is there, none of them is.
func WriteFolder(dir string, files []File) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("make folder of migrations: %w", err)
	}
	for i := range files {
		for _, path := range FileNames(files[i]) {
			if _, err := os.Lstat(filepath.Join(dir, path)); err == nil {
				return fmt.Errorf("write migration: %s is there already", filepath.Join(dir, path))
			}
		}
	}
	var written []string
	for i := range files {
		names := FileNames(files[i])
		for j, text := range []string{files[i].Up, files[i].Down} {
			path := filepath.Join(dir, names[j])
			if err := writeNew(path, text); err != nil {
				for _, path := range written {
					_ = os.Remove(path) // half of what belongs together is worse than nothing; the first error says enough
				}
				return fmt.Errorf("write migration: %w", err)
			}
			written = append(written, path)
		}
	}
	return nil
}

// writeNew writes a file that is not there yet, whole or not at all.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path) // as above
	}
	return err
}

// FileNames returns the names of a migration's up and down file.
func FileNames(f File) [2]string {
	base := fmt.Sprintf("%06d_%s", f.Version, f.Name)
	return [2]string{base + ".up.sql", base + ".down.sql"}
}

// StockParameters are what golang-migrate's own command has to be given in its URL, so that it keeps the version where a
// Migrator of the schema does.
func StockParameters(schemaName string) url.Values {
	return url.Values{
		"x-migrations-table":        {qualified(schemaName, versionTable)},
		"x-migrations-table-quoted": {"1"},
	}
}
