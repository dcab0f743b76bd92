package registry

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// snapshot is the file of a Keyring.
type snapshot struct {
	Version int      `json:"version"`
	Sources []Source `json:"sources"`
	Keys    []keyRow `json:"keys"`
}

const snapshotVersion = 1

// readSnapshot returns what the file has; text is nil if there is none. One that is no snapshot of this release is as none:
// it is only a copy, and without it Postgres has to answer first.
func readSnapshot(path string) (sources []Source, keys []keyRow, text []byte, err error) {
	text, err = os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil, fmt.Errorf("read the keys that were kept: %w", err)
	}
	s, ok := parseSnapshot(text)
	if !ok {
		return nil, nil, nil, nil
	}
	return s.Sources, s.Keys, text, nil
}

func parseSnapshot(text []byte) (s snapshot, ok bool) {
	err := json.Unmarshal(text, &s)
	return s, err == nil && s.Version == snapshotVersion
}

// writeSnapshot replaces the file whole if it is to have something else than before, and returns what it has then.
func writeSnapshot(path string, before []byte, sources []Source, keys []keyRow) ([]byte, error) {
	text, err := json.Marshal(snapshot{snapshotVersion, sources, keys})
	if err != nil {
		return nil, fmt.Errorf("keep keys: %w", err)
	}
	if bytes.Equal(text, before) {
		return before, nil
	}
	if err := replace(path, text); err != nil {
		return nil, fmt.Errorf("keep keys: %w", err)
	}
	return text, nil
}

// replace writes a file that only this account can read; it is the new one or the old one whenever the machine stops.
func replace(path string, text []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name()) // the first error says enough
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func sortSources(s []Source) {
	slices.SortFunc(s, func(a, b Source) int { return cmp.Compare(a.Nickname, b.Nickname) })
}
