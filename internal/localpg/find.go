package localpg

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MinMajor is the oldest Postgres that Tapline runs.
const MinMajor = 13

// Binaries are the programs of one installed Postgres.
type Binaries struct {
	Dir     string // holds initdb, pg_ctl and postgres
	Major   int
	Version string // as "postgres --version" says, such as "15.14"
	Psql    string // in Dir, or else in the search path; empty if there is none
}

// Search is where Find looks.
type Search struct {
	// Path is a list of folders like $PATH. What is found there goes before the Patterns. Symbolic links are followed:
	// packagers put links to some of the programs into /usr/local/bin, and the others stand beside their targets.
	Path string
	// Patterns are globs of folders. Among theirs the newest version is taken.
	Patterns []string
}

// SearchVariable names the environment variable that holds the Patterns, as a list like $PATH, of who has Postgres where
// no package puts it, or wants none of those that are found otherwise.
const SearchVariable = "TAPLINE_POSTGRES_PATH"

// DefaultSearch looks in $PATH and then in the folders of $TAPLINE_POSTGRES_PATH or, if that is not set, where packages
// for Linux and macOS install to.
func DefaultSearch() *Search {
	if folders, ok := os.LookupEnv(SearchVariable); ok {
		return &Search{Path: os.Getenv("PATH"), Patterns: filepath.SplitList(folders)}
	}
	return &Search{
		Path: os.Getenv("PATH"),
		Patterns: []string{
			"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
			"/usr/pgsql-*/bin",          // postgresql.org's packages for Red Hat
			"/usr/lib/postgresql*/bin",  // SUSE
			"/usr/libexec/postgresql*",  // Alpine
			"/opt/homebrew/opt/postgresql*/bin",
			"/usr/local/opt/postgresql*/bin",
			"/Applications/Postgres.app/Contents/Versions/*/bin",
		},
	}
}

// Find returns the Postgres to use with the default search.
func Find() (Binaries, error) { return DefaultSearch().Find() }

// Find returns the Postgres to use. The error is a *NotFoundError.
func (s *Search) Find() (Binaries, error) {
	if all := s.all(); len(all) > 0 {
		return all[0], nil
	}
	return Binaries{}, &NotFoundError{Path: s.Path, Patterns: s.Patterns, Old: s.inspect(0), Install: installCommand()}
}

// all returns every usable Postgres, best first.
func (s *Search) all() []Binaries { return s.inspect(MinMajor) }

// inspect returns every Postgres of at least that version: complete folders before those without psql, then those of
// the path, then newer ones.
func (s *Search) inspect(minMajor int) []Binaries {
	var found []Binaries
	add := func(dirs []string) []Binaries {
		var out []Binaries
		for _, dir := range dirs {
			known := func(b Binaries) bool { return b.Dir == dir }
			if slices.ContainsFunc(found, known) || slices.ContainsFunc(out, known) {
				continue
			}
			if b, ok := s.look(dir); ok && b.Major >= minMajor {
				out = append(out, b)
			}
		}
		return out
	}
	found = append(found, add(s.pathDirs())...)
	installed := add(s.patternDirs())
	slices.SortStableFunc(installed, func(a, b Binaries) int { return b.Major - a.Major })
	found = append(found, installed...)
	slices.SortStableFunc(found, func(a, b Binaries) int { return incomplete(a) - incomplete(b) })
	return found
}

func incomplete(b Binaries) int {
	if filepath.Dir(b.Psql) == b.Dir {
		return 0
	}
	return 1
}

// pathDirs returns the folders where the programs in the path really are.
func (s *Search) pathDirs() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(s.Path) {
		for _, name := range []string{"postgres", "initdb", "pg_ctl"} {
			file := filepath.Join(dir, name)
			if dir == "" || !executable(file) {
				continue
			}
			if target, err := filepath.EvalSymlinks(file); err == nil {
				dirs = append(dirs, filepath.Dir(target))
			}
		}
	}
	return dirs
}

func (s *Search) patternDirs() []string {
	var dirs []string
	for _, pattern := range s.Patterns {
		matches, _ := filepath.Glob(pattern) // its one error is a bad pattern, which then matches nothing
		for _, dir := range matches {
			if real, err := filepath.EvalSymlinks(dir); err == nil {
				dirs = append(dirs, real)
			}
		}
	}
	return dirs
}

// look returns what is installed in a folder; false if a program is missing or does not say its version.
func (s *Search) look(dir string) (Binaries, bool) {
	for _, name := range []string{"postgres", "initdb", "pg_ctl"} {
		if !executable(filepath.Join(dir, name)) {
			return Binaries{}, false
		}
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return Binaries{}, false
	}
	match := versionPattern.FindStringSubmatch(string(out))
	if match == nil {
		return Binaries{}, false
	}
	major, err := strconv.Atoi(match[2])
	return Binaries{Dir: dir, Major: major, Version: match[1], Psql: s.psql(dir)}, err == nil
}

// versionPattern matches "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)" and "postgres (PostgreSQL) 19beta1".
var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

func (s *Search) psql(dir string) string {
	for _, d := range append([]string{dir}, filepath.SplitList(s.Path)...) {
		if file := filepath.Join(d, "psql"); d != "" && executable(file) {
			return file
		}
	}
	return ""
}

func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// NotFoundError says that this machine has no Postgres that Tapline can run.
type NotFoundError struct {
	Path     string     // the search path
	Patterns []string   // the folders, as globs
	Old      []Binaries // what was found but is older than MinMajor
	Install  string     // the command that installs Postgres on this platform
}

// Error says what was looked for, and both ways out.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "find Postgres: no initdb, pg_ctl and postgres of version %d or newer", MinMajor)
	fmt.Fprintf(&b, " in PATH (%s) nor in %s", e.Path, strings.Join(e.Patterns, ", "))
	for _, old := range e.Old {
		fmt.Fprintf(&b, "; %s has version %s", old.Dir, old.Version)
	}
	fmt.Fprintf(&b, ". Install it (%s), or give the DSN of a Postgres that runs elsewhere", e.Install)
	return b.String()
}

// VersionError says that a data folder belongs to a version of Postgres that is not installed.
type VersionError struct {
	DataDir   string
	Major     int        // of the data
	Installed []Binaries // none of them is of that version
}

// Error says what is there, what is needed, and the ways out.
func (e *VersionError) Error() string {
	versions := make([]string, len(e.Installed))
	for i, b := range e.Installed {
		versions[i] = fmt.Sprintf("%s in %s", b.Version, b.Dir)
	}
	return fmt.Sprintf("%s was made by Postgres %d, but this machine has only %s. Install Postgres %d again, or convert "+
		"the folder with pg_upgrade, or choose a new folder with --data-dir and load again",
		e.DataDir, e.Major, strings.Join(versions, ", "), e.Major)
}
