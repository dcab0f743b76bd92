package decode

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tapline/tapline/schema"
)

// isSecret reports whether the cells of a column are write keys: it is called so, or its path ends so, as in
// prop:writeKey and context.writeKey.
func isSecret(name string) bool {
	return name[strings.LastIndexAny(name, ".:")+1:] == secretName
}

// CSV decodes the records of a CSV file. A cell is a string leaf, an empty cell is absent. Headers that name nothing
// known are properties of that name.
type CSV struct {
	d       *Decoder
	columns []csvColumn
	secrets []bool // by column: its cells are write keys; nil for none
}

// csvColumn is where the cells of one column go: into a section, or, without one, into a field of the envelope.
type csvColumn struct {
	section *section
	path    *schema.Path
	field   field
}

// NewCSV returns a decoder for records under that header. Columns are found by name, never by position. The error
// says which column is missing, unnamed or repeated.
func NewCSV(kind Kind, header []string, opt Options) (*CSV, error) {
	opt.Kind = kind
	d, err := New(opt)
	if err != nil {
		return nil, err
	}
	c := &CSV{d: d}
	seen := make(map[string]bool, len(header))
	for i, name := range header {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
			return nil, fmt.Errorf("read CSV header: column %d has no name", i+1)
		case !utf8.ValidString(name):
			return nil, fmt.Errorf("read CSV header: column %d is not UTF-8", i+1)
		case seen[name]:
			return nil, fmt.Errorf("read CSV header: column %q is there twice", name)
		case isSecret(name):
			if c.secrets == nil {
				c.secrets = make([]bool, len(header))
			}
			c.secrets[i] = true
		}
		seen[name] = true
		if kind == SegmentCSV {
			c.columns = append(c.columns, c.segmentColumn(name))
		} else {
			c.columns = append(c.columns, c.cleverTapColumn(name))
		}
	}
	if err := c.complete(seen); err != nil {
		return nil, fmt.Errorf("read CSV header: %w", err)
	}
	return c, nil
}

func (c *CSV) complete(seen map[string]bool) error {
	switch {
	case c.d.opt.Kind == SegmentCSV && !seen["event"]:
		return errors.New("no column event")
	case c.d.opt.Kind == CleverTapCSV && !seen["ts"]:
		return errors.New("no column ts")
	case c.d.opt.Kind == CleverTapCSV && !seen["eventName"] && c.d.opt.EventName == "":
		return errors.New("no column eventName: name the event with --event")
	}
	return nil
}

func (c *CSV) segmentColumn(name string) csvColumn {
	if name == secretName {
		return csvColumn{field: fUnknown}
	}
	if f := segmentField([]byte(name)); f < fieldCount {
		return csvColumn{field: f}
	}
	if keys, ok := strings.CutPrefix(name, "context."); ok {
		root := child{path: c.d.paths.Root(schema.SectionContext)}
		return csvColumn{section: &c.d.context, path: c.below(root, keys)}
	}
	return c.property(strings.TrimPrefix(name, "prop:"), &c.d.props)
}

func (c *CSV) cleverTapColumn(name string) csvColumn {
	switch name {
	case secretName:
		return csvColumn{field: fUnknown}
	case "platform":
		return csvColumn{section: &c.d.context, path: c.d.names.osName}
	}
	if f := cleverTapField([]byte(name)); f < fieldCount {
		return csvColumn{field: f}
	}
	prefix, rest, _ := strings.Cut(name, ".")
	if rest == "" {
		return c.property(name, &c.d.props)
	}
	switch cleverTapField([]byte(prefix)) {
	case fProfile:
		return csvColumn{section: &c.d.context, path: c.below(child{mapping: profile}, rest)}
	case fDeviceInfo:
		return csvColumn{section: &c.d.context, path: c.below(child{mapping: deviceInfo}, rest)}
	case fProperties:
		return c.property(rest, &c.d.props)
	case fTraits:
		return c.property(rest, &c.d.traits)
	}
	return c.property(name, &c.d.props)
}

func (c *CSV) property(name string, s *section) csvColumn {
	return csvColumn{section: s, path: c.d.paths.Child(c.d.root, []byte(name))}
}

// below returns the path of keys joined by points.
func (c *CSV) below(at child, keys string) *schema.Path {
	for key := range strings.SplitSeq(keys, ".") {
		if at.mapping == asSent {
			at.path = c.d.paths.Child(at.path, []byte(key))
		} else {
			at = c.d.names.child(at.path, []byte(key), at.mapping)
		}
	}
	return at.path
}

// Err returns the first error of Occurrences. Events decoded after it must not be loaded.
func (c *CSV) Err() error { return c.d.err }

// Hours is Decoder.Hours.
func (c *CSV) Hours() (ambiguous, missing int64) { return c.d.Hours() }

// Decode decodes one record: its cells, and its bytes in the file without the line end. Both must stay unchanged until
// the event has been used.
func (c *CSV) Decode(cells [][]byte, raw []byte, ev *schema.Event) {
	d := c.d
	if len(raw) > MaxEvent {
		TooLarge(ev, c.RedactCut(raw[:KeptOfTooLarge]), int64(len(raw)), sha256.Sum256(raw))
		return
	}
	raw = c.Redact(raw)
	d.begin(raw, ev)
	switch {
	case !utf8.Valid(raw):
		quarantine(ev, schema.InvalidUTF8, "")
		return
	case len(cells) != len(c.columns):
		quarantine(ev, schema.WrongFieldCount, fmt.Sprintf("%d fields, the header has %d", len(cells), len(c.columns)))
		return
	}
	for i, cell := range cells {
		if len(cell) > 0 {
			c.cell(&c.columns[i], cell)
		}
	}
	if d.opt.Kind == CleverTapCSV {
		d.finishCleverTap(ev)
		return
	}
	if d.seen&(1<<fType) == 0 {
		d.seen |= 1 << fType
		d.env[fType] = token{kind: schema.String, text: d.constant("track")}
	}
	d.finishCall(ev)
}

func (c *CSV) cell(col *csvColumn, cell []byte) {
	var bad schema.Reason
	if bytes.IndexByte(cell, 0) >= 0 {
		bad = schema.NULCharacter
	}
	if bytes.IndexByte(cell, '"') >= 0 { // as in JSON
		cell = Redact(cell)
	}
	if col.section == nil {
		if col.field < fieldCount {
			c.d.seen |= 1 << col.field
			c.d.env[col.field] = token{kind: schema.String, text: cell, raw: c.d.quote(cell), bad: bad}
		}
		return
	}
	if col.path.WriteKey {
		cell = c.d.constant("***")
	}
	*col.section.leaf() = schema.Leaf{
		Path: col.path, Kind: schema.String, Text: cell, Raw: c.d.quote(cell), Bad: bad, Cell: c.d.opt.Kind == CleverTapCSV,
	}
}

// quote returns text as a JSON string, in memory of the event.
func (d *Decoder) quote(text []byte) []byte {
	out := d.scratch
	from := len(out)
	out = append(out, '"')
	for {
		i := special(text, 0)
		out = append(out, text[:i]...)
		if i == len(text) {
			break
		}
		switch c := text[i]; {
		case c >= ' ':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		default:
			const hex = "0123456789abcdef"
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		text = text[i+1:]
	}
	d.scratch = append(out, '"')
	return d.scratch[from:len(d.scratch):len(d.scratch)]
}

// Redact returns the bytes of a record, readable or not, with the fields of writeKey columns replaced by ***. raw itself
// is returned if there is nothing to replace. If there are fields too many or too few it is not known which are missing,
// as when a line break in a field has torn the record apart: what may be a write key's is replaced.
func (c *CSV) Redact(raw []byte) []byte {
	if c.secrets == nil {
		return redactBroken(raw)
	}
	fields := 1
	for end, _ := fieldEnd(raw, 0); end < len(raw); end, _ = fieldEnd(raw, end+1) {
		fields++
	}
	return c.redact(raw, max(fields-len(c.secrets), len(c.secrets)-fields))
}

// RedactCut is Redact for the beginning of a record, whose last fields are not at hand.
func (c *CSV) RedactCut(raw []byte) []byte {
	if c.secrets == nil {
		return redactBroken(raw)
	}
	return c.redact(raw, 0)
}

// redact replaces fields that stand up to moved columns away from where write keys are expected.
func (c *CSV) redact(raw []byte, moved int) []byte {
	out := make([]byte, 0, len(raw))
	for n, start := 0, 0; ; n++ {
		end, open := fieldEnd(raw, start)
		// An open quote may have swallowed a secret, and it is not known which fields follow.
		if open || c.secretNear(n, moved) {
			out = append(out, "***"...)
		} else {
			out = append(out, raw[start:end]...)
		}
		if end == len(raw) {
			return redactBroken(out)
		}
		out = append(out, ',')
		start = end + 1
	}
}

// secretNear reports whether a column of write keys is at most so many columns away from the n-th.
func (c *CSV) secretNear(n, away int) bool {
	return n-away < len(c.secrets) && slices.Contains(c.secrets[max(0, n-away):min(len(c.secrets), n+away+1)], true)
}

// fieldEnd returns the index of the comma after the field that begins at raw[i], or the end, and whether the field's
// quote is still open there. A quote in the middle of an unquoted field is an ordinary character.
func fieldEnd(raw []byte, i int) (end int, open bool) {
	open = i < len(raw) && raw[i] == '"'
	if open {
		for i++; i < len(raw); i++ {
			if raw[i] == '"' {
				open = !open
			} else if raw[i] == ',' && !open {
				break
			}
		}
		return i, open
	}
	for i < len(raw) && raw[i] != ',' {
		i++
	}
	return i, false
}
