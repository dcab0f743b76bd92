package parquet

import (
	"regexp"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// form is how the fields of a group are meant.
type form uint8

const (
	object form = iota
	list
	mapping
	union // of Avro: fields member0, member1 ..., of which one is set
)

// node is a column or group of the schema.
type node struct {
	name               string
	optional, repeated bool
	def, rep           int // levels from which on it is there
	first, last        int // its columns: [first, last)
	children           []*node
	form               form
	literal            literal // of a column
}

func (n *node) leaf() bool { return len(n.children) == 0 }

// leaves appends the columns below a node, in their order.
func (n *node) leaves(all []*node) []*node {
	if n.leaf() {
		return append(all, n)
	}
	for _, c := range n.children {
		all = c.leaves(all)
	}
	return all
}

// maxDepth is how deep columns may be nested.
const maxDepth = 32

// newLayout makes the tree of a schema, which is written down depth first.
func newLayout(elements []format.SchemaElement) (*node, error) {
	b := builder{rest: elements}
	root, err := b.node(nil, 0)
	if err == nil && len(b.rest) > 0 {
		err = problem(Corrupt, "the schema has %d elements too many", len(b.rest))
	}
	return root, err
}

type builder struct {
	rest    []format.SchemaElement
	columns int
}

func (b *builder) node(parent *node, depth int) (*node, error) {
	if len(b.rest) == 0 || depth > maxDepth {
		return nil, problem(Corrupt, "the schema is cut short, or nested too deep")
	}
	e := &b.rest[0]
	b.rest = b.rest[1:]
	n := &node{name: e.Name, first: b.columns}
	if parent != nil {
		n.def, n.rep = parent.def, parent.rep
		switch e.RepetitionType.V {
		case format.Optional:
			n.optional = true
			n.def++
		case format.Repeated:
			n.repeated = true
			n.def++
			n.rep++
		}
	}
	if e.Type.Valid {
		var err error
		n.literal, err = newLiteral(e)
		b.columns++
		n.last = b.columns
		return n, err
	}
	for range e.NumChildren.V {
		child, err := b.node(n, depth+1)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
	}
	n.last = b.columns
	if len(n.children) == 0 {
		return nil, problem(UnknownType, "column %q is a group without columns", e.Name)
	}
	n.form = formOf(n, e)
	return n, nil
}

var member = regexp.MustCompile(`^member\d+$`)

func formOf(n *node, e *format.SchemaElement) form {
	converted := deprecated.ConvertedType(-1)
	if e.ConvertedType.Valid {
		converted = e.ConvertedType.V
	}
	_, isList := e.LogicalType.Value.(*format.ListType)
	_, isMap := e.LogicalType.Value.(*format.MapType)
	only := len(n.children) == 1 && n.children[0].repeated
	switch {
	case only && (isList || converted == deprecated.List):
		return list
	case only && (isMap || converted == deprecated.Map || converted == deprecated.MapKeyValue) && len(n.children[0].children) == 2:
		return mapping
	}
	for _, c := range n.children {
		if !member.MatchString(c.name) {
			return object
		}
	}
	return union
}

// element is the node of a list's elements: the only field of its repeated group, or that group itself as older writers
// meant it.
func (n *node) element() *node {
	r := n.children[0]
	if len(r.children) != 1 || r.name == "array" || r.name == n.name+"_tuple" {
		return r
	}
	return r.children[0]
}
