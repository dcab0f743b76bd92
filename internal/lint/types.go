package lint

import (
	"slices"
	"strconv"
	"strings"
)

// typeName is a type as it is written, under its shortest common name, with its numbers: numeric(10,2) has two.
type typeName struct {
	base  string
	args  []int
	array bool
}

func (t typeName) String() string {
	s := t.base
	if len(t.args) > 0 {
		words := make([]string, len(t.args))
		for i, n := range t.args {
			words[i] = strconv.Itoa(n)
		}
		s += "(" + strings.Join(words, ",") + ")"
	}
	if t.array {
		s += "[]"
	}
	return s
}

// known reports whether there is a type at all.
func (t typeName) known() bool { return t.base != "" }

// afterType are the words that end a type.
var afterType = []string{
	"constraint", "not", "null", "default", "primary", "unique", "check", "references", "generated", "collate", "using",
	"storage", "compression", "options", "deferrable", "initially",
}

// typeNames maps what may be written to the name used here.
var typeNames = map[string]string{
	"int": "integer", "int4": "integer", "int8": "bigint", "int2": "smallint", "float8": "double precision",
	"float": "double precision", "float4": "real", "decimal": "numeric", "dec": "numeric", "character varying": "varchar",
	"char varying": "varchar", "character": "char", "bpchar": "char", "bool": "boolean",
	"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp",
	"time with time zone": "timetz", "time without time zone": "time", "serial4": "serial", "serial8": "bigserial",
	"serial2": "smallserial", "bit varying": "varbit",
}

// typ reads a type.
func (c *cursor) typ() typeName {
	var t typeName
	var words []string
	for !c.done() {
		tok := c.token()
		switch {
		case tok.kind == word && slices.Contains(afterType, tok.text) && len(words) > 0,
			tok.kind != word && tok.kind != quoted && !tok.is(".") && !tok.is("(") && !tok.is("["):
			return t.named(words)
		case tok.is("("):
			from, to, _ := c.parens()
			for _, n := range c.s.tokens[from:to] {
				if v, err := strconv.Atoi(n.text); n.kind == number && err == nil {
					t.args = append(t.args, v)
				}
			}
			continue
		case tok.is("["):
			t.array = true
			for !c.done() && !c.token().is("]") {
				c.i++
			}
		case tok.is("."):
			words = words[:0] // a schema stood before it
		default:
			words = append(words, tok.text)
		}
		c.i++
	}
	return t.named(words)
}

func (t typeName) named(words []string) typeName {
	t.base = strings.Join(words, " ")
	if name, ok := typeNames[t.base]; ok {
		t.base = name
	}
	return t
}

// change is what a new type of a column means.
type change uint8

const (
	nothing  change = iota // the stored rows stay as they are
	rewrites               // every row is written anew, and no value is lost
	narrows                // every row is written anew, or read, and a value may not fit
	unclear                // that depends on the old type
)

// size orders the types that hold numbers: each holds all values of those before it, but for double precision, which has
// not every bigint.
var size = map[string]int{"smallint": 1, "integer": 2, "bigint": 3, "numeric": 4}

// compare says what changing a column from one type to another does.
func compare(from, to typeName) change {
	switch {
	case !to.known():
		return unclear
	case !from.known():
		return fromUnknown(to)
	case from.array != to.array:
		return narrows
	case from.base == to.base:
		return resize(from, to)
	case size[from.base] > 0 && size[to.base] > 0:
		return convertNumber(from, to)
	}
	return convert(from, to)
}

// fromUnknown judges by the new type alone.
func fromUnknown(to typeName) change {
	switch to.base {
	case "smallint", "integer", "real", "char", "date", "time", "boolean":
		return narrows
	case "varchar", "numeric", "timestamp", "timestamptz":
		if len(to.args) > 0 {
			return narrows
		}
	}
	return unclear
}

// resize is for types that differ in their numbers only.
func resize(from, to typeName) change {
	switch {
	case slices.Equal(from.args, to.args):
		return nothing
	case to.base == "char" || to.base == "bit":
		return narrows // without a number it is 1
	case len(to.args) == 0:
		return nothing
	case len(from.args) == 0:
		return narrows
	case to.base == "numeric":
		scale := func(t typeName) int {
			if len(t.args) > 1 {
				return t.args[1]
			}
			return 0
		}
		switch {
		case to.args[0]-scale(to) < from.args[0]-scale(from) || scale(to) < scale(from):
			return narrows
		case scale(to) != scale(from):
			return rewrites
		}
		return nothing
	case to.args[0] < from.args[0]:
		return narrows
	}
	return nothing
}

func convertNumber(from, to typeName) change {
	if size[to.base] < size[from.base] || to.base == "numeric" && len(to.args) > 0 {
		return narrows
	}
	return rewrites
}

// convert is for types of different kinds.
func convert(from, to typeName) change {
	small := from.base == "smallint" || from.base == "integer"
	switch pair := from.base + " " + to.base; {
	case pair == "varchar text", pair == "xml text", pair == "cidr inet":
		return nothing
	case pair == "text varchar" && len(to.args) == 0:
		return nothing
	case to.base == "text", to.base == "varchar" && len(to.args) == 0:
		return rewrites
	case pair == "timestamp timestamptz", pair == "timestamptz timestamp", pair == "date timestamp", pair == "date timestamptz":
		return rewrites
	case pair == "real double precision", pair == "json jsonb", pair == "jsonb json":
		return rewrites
	case small && to.base == "double precision", from.base == "bigint" && to.base == "double precision":
		return rewrites
	}
	return narrows
}
