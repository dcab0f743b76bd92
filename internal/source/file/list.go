package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// list yields the units that exist now.
func (s *Source) list(ctx context.Context) iter.Seq2[*unit, error] {
	return func(yield func(*unit, error) bool) {
		l := lister{s: s, ctx: ctx, yield: yield}
		if len(s.paths) > 1 {
			l.seen = map[string]bool{}
		}
		for _, t := range s.paths {
			if !l.target(t) {
				return
			}
		}
	}
}

// lister walks the paths of a source. Its methods return false when nobody wants more.
type lister struct {
	s     *Source
	ctx   context.Context
	yield func(*unit, error) bool
	seen  map[string]bool // nil if nothing can come twice
}

func (l *lister) target(t target) bool {
	switch {
	case t.path == "-":
		return l.yield(l.s.stdinUnit(l.ctx))
	case !t.glob:
		return l.path(t.path)
	}
	found, err := filepath.Glob(t.path)
	if err != nil {
		return l.yield(nil, fmt.Errorf("find %s: %w", printable(t.path), err))
	}
	for _, p := range found {
		if hidden(filepath.Base(p)) && !hidden(filepath.Base(t.path)) {
			continue // as in a shell
		}
		if !l.path(p) {
			return false
		}
	}
	return true
}

// path yields a file, or the files below a folder.
func (l *lister) path(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return l.yield(nil, fmt.Errorf("find %s: %w", printable(path), withoutPath(err)))
	}
	if !info.IsDir() {
		return l.file(path, info)
	}
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		return l.entry(path, p, d, err)
	})
	return err == nil
}

// errStop ends a walk when nobody wants more.
var errStop = errors.New("stop")

// entry handles what lies below the folder root. Symbolic links are entries here, never followed.
func (l *lister) entry(root, path string, d fs.DirEntry, err error) error {
	if l.ctx.Err() != nil {
		l.yield(nil, fmt.Errorf("list %s: %w", printable(root), context.Cause(l.ctx)))
		return errStop
	}
	if err != nil {
		if !l.yield(nil, fmt.Errorf("list %s: %w", printable(path), withoutPath(err))) {
			return errStop
		}
		return nil // WalkDir itself does not enter a folder that it could not read
	}
	if path != root && hidden(d.Name()) {
		l.s.opts.Logger.DebugContext(l.ctx, "hidden file skipped", slog.String("path", path))
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if d.IsDir() {
		return nil
	}
	info, err := d.Info()
	var goOn bool
	if err != nil {
		goOn = l.yield(nil, fmt.Errorf("find %s: %w", printable(path), withoutPath(err)))
	} else {
		goOn = l.file(path, info)
	}
	if !goOn {
		return errStop
	}
	return nil
}

func (l *lister) file(path string, info fs.FileInfo) bool {
	if l.seen[path] {
		return true
	}
	if l.seen != nil {
		l.seen[path] = true
	}
	if !info.Mode().IsRegular() {
		return l.yield(nil, &NotRegularError{Path: path, Mode: info.Mode()})
	}
	return l.yield(&unit{s: l.s, path: path, id: identify(info)}, nil)
}

// hidden reports whether a name is one that ls does not show: editors' and uploaders' unfinished files.
func hidden(name string) bool { return strings.HasPrefix(name, ".") && name != "." && name != ".." }
