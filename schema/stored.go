package schema

import (
	"math"
	"strconv"
	"time"
)

// Stored returns what a column of type to holds of a leaf's value, as the text that Postgres reads it from, or the reason
// why it cannot be kept as sent (rules 11 and 12). The rules are those of Row, so that a value which waited in _discards
// becomes what it would be had it come today. A number that asks for a wider column is a TypeMismatch here.
func Stored(l *Leaf, to Type) (string, Reason) {
	var cell Cell
	switch reason := convert(l, to, &cell); reason {
	case "":
		return cell.sql(to), ""
	case needsWider:
		return "", TypeMismatch
	default:
		return "", reason
	}
}

func (c *Cell) sql(typ Type) string {
	switch typ {
	case Boolean:
		return strconv.FormatBool(c.Int != 0)
	case Bigint:
		return strconv.FormatInt(c.Int, 10)
	case Double:
		return strconv.FormatFloat(math.Float64frombits(uint64(c.Int)), 'g', -1, 64)
	case Timestamptz:
		return Micros(c.Int).sql()
	}
	return string(c.Bytes)
}

// sql is an instant as Postgres reads it: the year before 1 is 1 BC.
func (m Micros) sql() string {
	const layout = "2006-01-02 15:04:05.999999Z07:00"
	at := time.UnixMicro(int64(m)).UTC()
	if at.Year() > 0 {
		return at.Format(layout)
	}
	year := strconv.Itoa(1 - at.Year())
	for len(year) < 4 {
		year = "0" + year
	}
	return year + at.Format(layout[len("2006"):]) + " BC"
}
