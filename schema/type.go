package schema

import "strings"

// Type is the type of a column. The six types are Segment's generic warehouse types as Postgres has them.
type Type uint8

// The column types, in no order of width. Unknown is the type of a column that has none yet, or of one that somebody
// else made with a type Tapline does not write (its values go to discards).
const (
	Unknown Type = iota
	Boolean
	Bigint
	Double
	Numeric
	Timestamptz
	Text
)

var typeNames = [...]string{
	Unknown: "unknown", Boolean: "boolean", Bigint: "bigint", Double: "double precision",
	Numeric: "numeric", Timestamptz: "timestamptz", Text: "text",
}

// String returns the type as it is written in SQL.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return typeNames[Unknown]
}

// ParseType returns the type for a name as Postgres's format_type prints it, or as people write it. Types that hold
// the same values count as one: varchar of any length is Text, "timestamp with time zone" is Timestamptz.
func ParseType(name string) Type {
	base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(name)), "(")
	switch strings.TrimSpace(base) {
	case "boolean", "bool":
		return Boolean
	case "bigint", "int8":
		return Bigint
	case "double precision", "float8":
		return Double
	case "numeric", "decimal":
		return Numeric
	case "timestamptz", "timestamp with time zone":
		return Timestamptz
	case "text", "character varying", "varchar":
		return Text
	}
	return Unknown
}
