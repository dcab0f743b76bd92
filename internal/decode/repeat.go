package decode

import (
	"bytes"

	"github.com/tapline/tapline/schema"
)

// member of an object, as the slow pass sees it.
type slowMember struct {
	key        string
	start, end int // of the value
}

// slowObject is object for records in which a key is repeated, or cannot be told from another because there are too
// many paths: of each key the last value wins, the others are lost (rule 15). It allocates.
func (d *Decoder) slowObject(b []byte, i int, parent *schema.Path, depth int, s *section, m mapping) int {
	members, end := d.members(b, i, maxDepth-depth)
	if end < 0 {
		return d.fail(faultSyntax)
	}
	last := make(map[string]int, len(members))
	for n, mem := range members {
		last[mem.key] = n
	}
	for n, mem := range members {
		c := child{mapping: asSent}
		if m == asSent {
			c.path = d.paths.Child(parent, []byte(mem.key))
		} else {
			c = d.names.child(parent, []byte(mem.key), m)
		}
		if w := last[mem.key]; w != n {
			winner := members[w]
			s.lose(c.path, b[mem.start:mem.end], b[winner.start:winner.end])
			continue
		}
		if d.member(b, mem.start, c, depth, s) < 0 {
			return -1
		}
	}
	return end
}

// lose books a repeated key's value, unless it is null or the same as the one that stays.
func (s *section) lose(p *schema.Path, raw, winner []byte) {
	if string(raw) == "null" || bytes.Equal(raw, winner) {
		return
	}
	if raw = Redact(raw); p.WriteKey {
		raw = []byte(`"***"`)
	}
	s.lost = append(s.lost, schema.Discard{Column: p.Column, Raw: raw, Reason: schema.DuplicateKey})
}

// members splits the object whose content begins at b[i] into its members, and returns the index after it or -1.
func (d *Decoder) members(b []byte, i, room int) ([]slowMember, int) {
	var out []slowMember
	i = space(b, i)
	if i < len(b) && b[i] == '}' {
		return nil, i + 1
	}
	for i < len(b) && b[i] == '"' {
		key, end, _ := d.unescape(b, i+1, special(b, i+1))
		if end < 0 {
			return nil, -1
		}
		start := colon(b, end+1)
		if start < 0 {
			return nil, -1
		}
		if end = d.skip(b, start, room); end < 0 {
			return nil, -1
		}
		out = append(out, slowMember{string(key), start, end})
		if i = space(b, end); i >= len(b) {
			return nil, -1
		}
		if b[i] == '}' {
			return out, i + 1
		}
		if b[i] != ',' {
			return nil, -1
		}
		i = space(b, i+1)
	}
	return nil, -1
}
