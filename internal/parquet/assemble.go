package parquet

import (
	"bytes"

	"github.com/parquet-go/parquet-go"
)

// values are those of a node's columns, for one instance of the node.
type values [][]parquet.Value

// of returns the part of a child's columns.
func (v values) of(n, child *node) values { return v[child.first-n.first : child.last-n.first] }

// absent reports whether the node is null, or has no element if it is repeated.
func (v values) absent(n *node) (bool, error) {
	if len(v) == 0 || len(v[0]) == 0 {
		return false, problem(Corrupt, "column %q has no value in a row", n.name)
	}
	return (n.optional || n.repeated) && v[0][0].DefinitionLevel() < n.def, nil
}

// appendNode writes one instance of a node as JSON. ok is false, and nothing is written, if it is null.
func appendNode(out []byte, n *node, v values) (text []byte, ok bool, err error) {
	absent, err := v.absent(n)
	if err != nil || absent && !n.repeated {
		return out, false, err
	}
	if n.repeated {
		out, err = appendList(out, n, n, v)
		return out, true, err
	}
	return appendInstance(out, n, v)
}

// appendInstance writes an instance that is there.
func appendInstance(out []byte, n *node, v values) (text []byte, ok bool, err error) {
	switch {
	case n.leaf():
		from := len(out)
		out = n.literal(out, v[0][0])
		return out, !bytes.Equal(out[from:], []byte("null")), nil
	case n.form == list:
		out, err = appendList(out, n.children[0], n.element(), v)
		return out, true, err
	case n.form == union:
		return appendUnion(out, n, v)
	}
	out = append(out, '{')
	from := len(out)
	err = members(n, v, func(key, value []byte) {
		if len(out)-from > maxRecord {
			return
		}
		if len(out) > from {
			out = append(out, ',')
		}
		out = append(append(appendString(out, key), ':'), value...)
	})
	return append(out, '}'), true, err
}

// appendUnion writes the member that is set. A list that cannot be null is empty where another member is set.
func appendUnion(out []byte, n *node, v values) (text []byte, ok bool, err error) {
	from, empty := len(out), false
	for _, c := range n.children {
		if out, ok, err = appendNode(out[:from], c, v.of(n, c)); err != nil {
			return out, false, err
		}
		if ok && string(out[from:]) != "[]" {
			return out, true, nil
		}
		empty = empty || ok
	}
	if empty {
		return append(out[:from], "[]"...), true, nil
	}
	return out[:from], false, nil
}

// appendList writes the instances of a repeated node; element is itself, or its only field.
func appendList(out []byte, repeated, element *node, v values) ([]byte, error) {
	out = append(out, '[')
	from := len(out)
	err := each(repeated, v, func(one values) error {
		if len(out)-from > maxRecord {
			return nil
		}
		if len(out) > from {
			out = append(out, ',')
		}
		var ok bool
		var err error
		if element == repeated {
			out, ok, err = appendInstance(out, element, one)
		} else {
			out, ok, err = appendNode(out, element, one.of(repeated, element))
		}
		if !ok && err == nil && !bytes.HasSuffix(out, []byte("null")) {
			out = append(out, "null"...)
		}
		return err
	})
	return append(out, ']'), err
}

// members calls do with the members of an object or map that are not null. Key and value are valid during the call.
func members(n *node, v values, do func(key, value []byte)) error {
	var value []byte
	if n.form != mapping {
		for _, c := range n.children {
			var ok bool
			var err error
			if value, ok, err = appendNode(value[:0], c, v.of(n, c)); err != nil {
				return err
			}
			if ok {
				do([]byte(c.name), value)
			}
		}
		return nil
	}
	entry := n.children[0]
	k, val := entry.children[0], entry.children[1]
	return each(entry, v, func(one values) error {
		key, ok, err := keyOf(k, one.of(entry, k))
		if err != nil || !ok {
			return err
		}
		if value, ok, err = appendNode(value[:0], val, one.of(entry, val)); err != nil || !ok {
			return err
		}
		do(key, value)
		return nil
	})
}

// keyOf returns the text of a map's key.
func keyOf(k *node, v values) (key []byte, ok bool, err error) {
	if !k.leaf() {
		return nil, false, problem(UnknownType, "column %q is a key that is no scalar", k.name)
	}
	absent, err := v.absent(k)
	if err != nil || absent {
		return nil, false, err
	}
	if k := v[0][0].Kind(); k == parquet.ByteArray {
		return v[0][0].ByteArray(), true, nil
	}
	return bytes.Trim(k.literal(nil, v[0][0]), `"`), true, nil
}

// each calls do with every instance of a repeated node: a value begins one if it repeats at the node's level or above.
func each(n *node, v values, do func(values) error) error {
	absent, err := v.absent(n)
	if err != nil || absent {
		return err
	}
	at := make([]int, len(v))
	one := make(values, len(v))
	for at[0] < len(v[0]) {
		for j, column := range v {
			from := at[j]
			if from >= len(column) {
				return problem(Corrupt, "columns of %q have different numbers of elements", n.name)
			}
			to := from + 1
			for to < len(column) && column[to].RepetitionLevel() > n.rep {
				to++
			}
			one[j], at[j] = column[from:to], to
		}
		if err := do(one); err != nil {
			return err
		}
	}
	return nil
}
