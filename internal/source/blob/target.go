package blob

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// target is a URL as given, taken apart: objects of one bucket whose names match.
type target struct {
	scheme string
	bucket string // of file://, the folder
	query  string // settings of the store, as its driver has them; never shown
	prefix string // what all names begin with
	// match tells the names: nil for the object called prefix and all below it.
	match  *regexp.Regexp
	hidden bool // names with an element that begins with a point match, too
}

// setting is how a query of settings begins: names of objects may hold question marks, which then are wildcards.
var setting = regexp.MustCompile(`\?[A-Za-z_][A-Za-z0-9_-]*=`)

// IsURL reports whether a path is meant for an object store.
func IsURL(p string) bool {
	scheme, _, ok := strings.Cut(p, "://")
	return ok && slices.Contains(Schemes(), scheme)
}

// Redact returns a URL without what could hold secrets: its settings, and anything before an @ in its bucket.
func Redact(raw string) string {
	if at := setting.FindStringIndex(raw); at != nil {
		raw = raw[:at[0]] + "?***"
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	bucket, _, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(bucket, '@'); ok && at >= 0 {
		raw = scheme + "://***" + rest[at:]
	}
	return raw
}

// parseTarget takes a URL apart. Names are taken as they are, as the stores' own tools do: nothing in them is decoded.
func parseTarget(raw string) (*target, error) {
	wrong := func(why string) error { return fmt.Errorf("read URL %s: %s", Redact(raw), why) }
	t := &target{}
	var rest, name string
	t.scheme, rest, _ = strings.Cut(raw, "://")
	if !IsURL(raw) {
		return nil, wrong("unknown kind of store: use " + strings.Join(Schemes(), "://, ") + "://")
	}
	if at := setting.FindStringIndex(rest); at != nil {
		rest, t.query = rest[:at[0]], rest[at[0]+1:]
		if _, err := url.ParseQuery(t.query); err != nil {
			return nil, wrong("its settings are not name=value&name=value")
		}
	}
	t.bucket, name, _ = strings.Cut(rest, "/")
	switch {
	case strings.ContainsRune(t.bucket, '@'):
		return nil, wrong("credentials do not belong into a URL: they are taken from the environment and files that the store's own tools use")
	case t.scheme == schemeFile && t.bucket != "":
		return nil, wrong("a folder is given by its absolute path: file:///folder/")
	case t.scheme == schemeFile:
		t.bucket, name = splitFolder(name)
	case t.bucket == "":
		return nil, wrong("it names no bucket")
	case strings.ContainsAny(t.bucket, "*?[\\ "):
		return nil, wrong("a bucket cannot be a pattern")
	}
	if err := t.pattern(name); err != nil {
		return nil, wrong(err.Error())
	}
	return t, nil
}

// splitFolder divides an absolute path, without its leading slash, where its last folder without a wildcard ends.
func splitFolder(name string) (folder, rest string) {
	fixed := name
	if i := strings.IndexAny(name, wildcards); i >= 0 {
		fixed = name[:i]
	}
	at := strings.LastIndexByte(fixed, '/') + 1
	return path.Clean("/" + name[:at]), name[at:]
}

const wildcards = "*?["

// pattern sets what names match: * any characters but a slash, ** any, ? one, [a-z] one of these.
func (t *target) pattern(name string) error {
	i := strings.IndexAny(name, wildcards)
	if i < 0 {
		t.prefix = name
		return nil
	}
	t.prefix = name[:i]
	expr, err := translate(name)
	if err != nil {
		return err
	}
	t.hidden = strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
	t.match, err = regexp.Compile(expr)
	if err != nil {
		return errors.New("the pattern has a [ ] that is none")
	}
	return nil
}

// translate returns the regular expression of a glob.
func translate(glob string) (string, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(glob); {
		rest := glob[i:]
		switch {
		case strings.HasPrefix(rest, "**/") && (i == 0 || glob[i-1] == '/'):
			b.WriteString(`(?:.*/)?`)
			i += 3
		case strings.HasPrefix(rest, "**"):
			b.WriteString(`.*`)
			i += 2
		case rest[0] == '*':
			b.WriteString(`[^/]*`)
			i++
		case rest[0] == '?':
			b.WriteString(`[^/]`)
			i++
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if end < 2 {
				return "", errors.New("the pattern has a [ without ]")
			}
			class := rest[1:end]
			if class[0] == '!' {
				class = "^" + class[1:]
			}
			b.WriteString("[" + strings.NewReplacer(`\`, `\\`, `[`, `\[`, `&`, `\&`).Replace(class) + "]")
			i += end + 1
		default:
			end := strings.IndexAny(rest, wildcards)
			if end < 0 {
				end = len(rest)
			}
			b.WriteString(regexp.QuoteMeta(rest[:end]))
			i += end
		}
	}
	b.WriteString(`\z`)
	return b.String(), nil
}

// wants reports whether an object is one of those that the URL means.
func (t *target) wants(name string) bool {
	if name == "" || strings.HasSuffix(name, "/") { // what a console makes to show a folder
		return false
	}
	if t.match != nil {
		return t.match.MatchString(name) && (t.hidden || !hidden(name[strings.LastIndexByte(t.prefix, '/')+1:]))
	}
	switch rest := strings.TrimPrefix(name, t.prefix); {
	case rest == "":
		return true
	case t.prefix == "", strings.HasSuffix(t.prefix, "/"), rest[0] == '/':
		return !hidden(rest)
	}
	return false // another name that begins with the same letters
}

// hidden reports whether an element of a name begins with a point: unfinished files of uploaders, as in folders.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// root is the bucket's URL without settings.
func (t *target) root() string { return t.scheme + "://" + t.bucket }

// nameOf is the full name of one of its objects.
func (t *target) nameOf(object string) string {
	return strings.TrimSuffix(t.root(), "/") + "/" + object
}

// String returns the URL without settings, for people.
func (t *target) String() string {
	if t.match == nil {
		return t.nameOf(t.prefix)
	}
	return t.nameOf(t.prefix + "...")
}
