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
			if loser := b[mem.start:mem.end]; !d.same(loser, b[winner.start:winner.end]) {
				s.lose(c.path, loser)
			}
			continue
		}
		if d.member(b, mem.start, c, depth, s) < 0 {
			return -1
		}
	}
	return end
}

// same reports whether the value of a repeated key is null or the one that stays: strings by their text, since a
// letter may be written as an escape, all else as it was sent. A string that cannot be stored is the same as no other.
func (d *Decoder) same(raw, winner []byte) bool {
	if string(raw) == "null" || bytes.Equal(raw, winner) {
		return true
	}
	if raw[0] != '"' || winner[0] != '"' {
		return false
	}
	text, _, bad := d.unescape(raw, 1, special(raw, 1))
	stays, _, badToo := d.unescape(winner, 1, special(winner, 1))
	return bad == "" && badToo == "" && bytes.Equal(text, stays)
}

// lose books a repeated key's value.
func (s *section) lose(p *schema.Path, raw []byte) {
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
