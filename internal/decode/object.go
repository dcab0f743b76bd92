package decode

import (
	"github.com/tapline/tapline/schema"
)

// section collects what one part of a record (properties, traits, context) holds.
type section struct {
	leaves []schema.Leaf
	lost   []schema.Discard // repeated keys
}

func (s *section) reset() { s.leaves, s.lost = s.leaves[:0], s.lost[:0] }

// leaf adds a leaf and returns it for filling. A literal appended to a slice is built on the stack and copied.
func (s *section) leaf() *schema.Leaf {
	n := len(s.leaves)
	if n == cap(s.leaves) {
		s.leaves = append(s.leaves, schema.Leaf{})
	}
	s.leaves = s.leaves[:n+1]
	return &s.leaves[n]
}

// fault is why a pass over a record ended early.
type fault uint8

const (
	faultNone   fault = iota
	faultSyntax       // not JSON, not an object, or nested too deeply: classify says which
	faultRepeat       // an envelope key is repeated
	faultSlow         // a property key is repeated, or cannot be told (too many paths): needs the slow pass
	faultMany         // the line is a batch of records
)

// object flattens the object whose content begins at b[i] into s, as the children of parent. depth counts the open
// containers with this one. It returns the index after the closing brace, or -1 with d.fault set.
func (d *Decoder) object(b []byte, i int, parent *schema.Path, depth int, s *section, m mapping) int {
	if depth > maxDepth {
		return d.fail(faultSyntax)
	}
	if d.slow {
		return d.slowObject(b, i, parent, depth, s, m)
	}
	serial := d.nextSerial()
	i = space(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for guess := &parent.First; ; {
		if i >= len(b) || b[i] != '"' {
			return d.fail(faultSyntax)
		}
		c := child{path: *guess, mapping: asSent}
		if start := i + 1; m == asSent && c.path != nil && c.path.At(b, start) {
			i = colon(b, start+len(c.path.Key())+1)
		} else {
			c, i = d.key(b, start, parent, m)
			if m == asSent && c.path.Interned() {
				*guess = c.path
			}
		}
		if i < 0 {
			return d.fail(faultSyntax)
		}
		if c.path.Seen == serial || !c.path.Interned() {
			return d.fail(faultSlow)
		}
		c.path.Seen = serial
		guess = &c.path.Next
		if i = d.member(b, i, c, depth, s); i < 0 {
			return i
		}
		i = space(b, i)
		if i >= len(b) {
			return d.fail(faultSyntax)
		}
		if b[i] == '}' {
			return i + 1
		}
		if b[i] != ',' {
			return d.fail(faultSyntax)
		}
		i = space(b, i+1)
	}
}

// key reads the key that begins at b[start] and returns where its value goes and begins, or -1.
func (d *Decoder) key(b []byte, start int, parent *schema.Path, m mapping) (c child, value int) {
	end := special(b, start)
	if end >= len(b) {
		return child{path: parent}, -1
	}
	key := b[start:end]
	if b[end] != '"' {
		if key, end, _ = d.unescape(b, start, end); end < 0 {
			return child{path: parent}, -1
		}
	}
	value = colon(b, end+1)
	if m != asSent {
		return d.names.child(parent, key, m), value
	}
	return child{path: d.paths.Child(parent, key), mapping: asSent}, value
}

// nextSerial numbers the objects of all decoders that share these paths: the count is kept in a root's own mark, which
// no key uses.
func (d *Decoder) nextSerial() uint64 {
	d.root.Seen++
	return d.root.Seen
}

func (d *Decoder) fail(f fault) int {
	d.fault = f
	return -1
}

// colon returns the index of the value after the colon expected at b[i], or -1.
func colon(b []byte, i int) int {
	if i < len(b) && b[i] == ':' {
		i++
	} else {
		if i = space(b, i); i >= len(b) || b[i] != ':' {
			return -1
		}
		i++
	}
	if i < len(b) && b[i] > ' ' {
		return i
	}
	if i = space(b, i); i >= len(b) {
		return -1
	}
	return i
}

// child is where a member of an object goes: its path, how its own members are named, and whether a number there is text.
type child struct {
	path    *schema.Path
	mapping mapping
	text    bool
}

// member adds the value at b[i] to s as leaves at c's path and below.
func (d *Decoder) member(b []byte, i int, c child, depth int, s *section) int {
	if c.path.WriteKey {
		return d.secret(b, i, c, depth, s)
	}
	switch ch := b[i]; {
	case ch == '"':
		start := i + 1
		end := special(b, start)
		if end >= len(b) {
			return d.fail(faultSyntax)
		}
		text, bad, escaped := b[start:end], schema.Reason(""), b[end] != '"'
		if escaped {
			if text, end, bad = d.unescape(b, start, end); end < 0 {
				return d.fail(faultSyntax)
			}
		}
		l := s.leaf()
		l.Path, l.Kind, l.Time, l.Bad = c.path, schema.String, 0, bad
		l.Raw, l.Text = b[i:end+1], text
		if escaped { // as JSON within a string is
			l.Raw, l.Text = Redact(l.Raw), Redact(l.Text)
		}
		return end + 1
	case ch == '-' || isDigit(ch):
		end := schema.NumberEnd(b, i)
		if end < 0 {
			return d.fail(faultSyntax)
		}
		l := s.leaf()
		l.Path, l.Kind, l.Time, l.Bad = c.path, schema.Number, 0, ""
		l.Raw, l.Text = b[i:end], b[i:end]
		if c.text {
			l.Kind = schema.String
		}
		return end
	case ch == '{':
		return d.object(b, i+1, c.path, depth+1, s, c.mapping)
	case ch == '[':
		return d.array(b, i, c, depth, s)
	}
	end := literal(b, i)
	if end < 0 {
		return d.fail(faultSyntax)
	}
	if b[i] != 'n' {
		l := s.leaf()
		l.Path, l.Kind, l.Time, l.Bad = c.path, schema.Bool, 0, ""
		l.Raw, l.Text = b[i:end], b[i:end]
	}
	return end
}

// array adds the array at b[i] as one leaf: its bytes as sent (rule 9), without write keys.
func (d *Decoder) array(b []byte, i int, c child, depth int, s *section) int {
	end := d.skip(b, i, maxDepth-depth)
	if end < 0 {
		return d.fail(faultSyntax)
	}
	raw := Redact(b[i:end])
	l := s.leaf()
	l.Path, l.Kind, l.Time, l.Bad = c.path, schema.Array, 0, ""
	l.Raw, l.Text = raw, raw
	return end
}

// secret stands for the value of a write key, whatever it is.
func (d *Decoder) secret(b []byte, i int, c child, depth int, s *section) int {
	end := d.skip(b, i, maxDepth-depth)
	if end < 0 {
		return d.fail(faultSyntax)
	}
	if b[i] != 'n' {
		l := s.leaf()
		l.Path, l.Kind, l.Time, l.Bad = c.path, schema.String, 0, ""
		l.Raw = d.constant(`"***"`)
		l.Text = l.Raw[1:4]
	}
	return end
}

// constant returns the bytes of s, in memory of the event.
func (d *Decoder) constant(s string) []byte {
	from := len(d.scratch)
	d.scratch = append(d.scratch, s...)
	return d.scratch[from:len(d.scratch):len(d.scratch)]
}
