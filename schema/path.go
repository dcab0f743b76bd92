package schema

import (
	"encoding/binary"
	"strings"
)

// Section is the part of an event that a path starts in.
type Section uint8

// Values below properties and traits become columns as they are; values below context become context_ columns.
const (
	SectionProperty Section = iota
	SectionContext
)

// Path is one place in the events of a source: the keys from properties (or traits, or context) down to a value. Paths
// are interned by [Paths], so a path that was seen before is found without allocation and compared by pointer. A Path
// belongs to the one goroutine that decodes with its Paths, but for the fields below, which never change.
type Path struct {
	// Column is the column the path's value goes to, after rules 2 to 6.
	Column string
	// Section is where the path starts.
	Section Section
	// Depth is the number of keys; 0 for the root of a section.
	Depth int
	// Exact says that the one key is spelled exactly like its column, so that it wins over other spellings (rule 8).
	Exact bool
	// Reserved says that the column is the envelope's, so that no property can fill it (rule 7).
	Reserved bool
	// WriteKey says that the last key is writeKey: what stands there is a secret and is never kept.
	WriteKey bool

	// Seen is the scanner's mark: the serial number of the last object in which this key was met. It makes a repeated
	// key visible without a set. Owned by the decoder.
	Seen uint64
	// First is the key that the last object at this path began with, Next the one that came after this one in its object
	// the last time: most objects have the keys of the one before, in their order. Owned by the decoder.
	First, Next *Path

	parent *Path
	plain  bool // the key is spelled in JSON as it is, or may be
	key    string
	snake  string // the full snake_case name, not shortened
	id     uint32 // 1 .. limit; 0 if the path is not interned
}

// Key returns the last key as sent.
func (p *Path) Key() string { return p.key }

// At reports whether the key stands at b[i], spelled as it is, with its closing quote behind it.
func (p *Path) At(b []byte, i int) bool {
	end := i + len(p.key)
	return end < len(b) && b[end] == '"' && string(b[i:end]) == p.key && p.plain
}

// Keys returns all keys as sent, from below the section down.
func (p *Path) Keys() []string {
	keys := make([]string, p.Depth)
	for q := p; q.Depth > 0; q = q.parent {
		keys[q.Depth-1] = q.key
	}
	return keys
}

// Interned reports whether the path is kept: its marks and bindings can be trusted.
func (p *Path) Interned() bool { return p.id != 0 }

// MaxPaths is how many different paths of one source are interned. Beyond it paths still work, but each time anew.
const MaxPaths = 100_000

// maxKey is the longest key that is interned: 100,000 keys of 30 KB would be 3 GB.
const maxKey = 256

// Paths interns the paths of one source. It is not safe for use by several goroutines.
type Paths struct {
	roots [2]Path
	slots []*Path // open addressing, len is a power of two
	count int
	limit int
}

// NewPaths returns an interner for at most limit paths; 0 means MaxPaths.
func NewPaths(limit int) *Paths {
	if limit <= 0 {
		limit = MaxPaths
	}
	ps := &Paths{slots: make([]*Path, 1024), limit: limit}
	ps.roots[SectionProperty] = Path{Section: SectionProperty, id: 1}
	ps.roots[SectionContext] = Path{Section: SectionContext, id: 2, snake: "context", Column: "context"}
	ps.count = 2
	return ps
}

// Root returns the path of a section itself.
func (ps *Paths) Root(s Section) *Path { return &ps.roots[s] }

// Len returns how many paths are interned.
func (ps *Paths) Len() int { return ps.count }

// Child returns the path of key below parent. key is the key's text with escapes resolved; it is copied if it is new.
func (ps *Paths) Child(parent *Path, key []byte) *Path {
	mask := uint32(len(ps.slots) - 1)
	for i := hashKey(parent.id, key) & mask; ; i = (i + 1) & mask {
		p := ps.slots[i]
		if p == nil {
			return ps.add(parent, key)
		}
		if p.parent == parent && p.key == string(key) {
			return p
		}
	}
}

func (ps *Paths) add(parent *Path, key []byte) *Path {
	p := newPath(parent, string(key))
	if ps.count >= ps.limit || !parent.Interned() || len(key) > maxKey {
		return p
	}
	ps.count++
	p.id = uint32(ps.count)
	if ps.count*2 > len(ps.slots) {
		ps.grow()
	}
	ps.put(p)
	return p
}

func (ps *Paths) grow() {
	old := ps.slots
	ps.slots = make([]*Path, 2*len(old))
	for _, p := range old {
		if p != nil {
			ps.put(p)
		}
	}
}

func (ps *Paths) put(p *Path) {
	mask := uint32(len(ps.slots) - 1)
	i := hashKey(p.parent.id, []byte(p.key)) & mask
	for ps.slots[i] != nil {
		i = (i + 1) & mask
	}
	ps.slots[i] = p
}

func newPath(parent *Path, key string) *Path {
	p := &Path{parent: parent, key: key, Section: parent.Section, Depth: parent.Depth + 1, WriteKey: key == "writeKey"}
	p.plain = !strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' })
	p.snake = element(key)
	if parent.snake != "" {
		p.snake = parent.snake + "_" + p.snake
	}
	p.Column = columnName(p.snake)
	if p.Section == SectionContext {
		p.Exact = p.Depth == 1 && "context_"+key == p.Column
		return p
	}
	p.Exact = p.Depth == 1 && key == p.Column
	p.Reserved = IsStandardColumn(p.Column) || isContextColumn(p.Column)
	return p
}

func isContextColumn(name string) bool { return len(name) > 8 && name[:8] == "context_" }

// hashKey mixes the parent and the first, last and middle bytes of key: keys of one object rarely share all of them.
func hashKey(parent uint32, key []byte) uint32 {
	h := uint64(parent)*0x9E3779B97F4A7C15 + uint64(len(key))
	switch n := len(key); {
	case n >= 8:
		h ^= binary.LittleEndian.Uint64(key) * 0xff51afd7ed558ccd
		h = (h << 23) | (h >> 41)
		h ^= binary.LittleEndian.Uint64(key[n-8:]) * 0xc4ceb9fe1a85ec53
		if n > 16 {
			h = (h << 23) | (h >> 41)
			h ^= binary.LittleEndian.Uint64(key[n/2-4:]) * 0x9FB21C651E98DF25
		}
	case n >= 4:
		h ^= (uint64(binary.LittleEndian.Uint32(key))<<32 | uint64(binary.LittleEndian.Uint32(key[n-4:]))) * 0xff51afd7ed558ccd
	case n > 0:
		h ^= (uint64(key[0])<<16 | uint64(key[n/2])<<8 | uint64(key[n-1])) * 0xc4ceb9fe1a85ec53
	}
	h ^= h >> 32
	h *= 0x9E3779B97F4A7C15
	return uint32(h >> 32)
}
