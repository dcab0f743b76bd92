package schema

import "math"

// needsWider is convert's word for a number with a fraction that meets a bigint column. It never leaves the package.
const needsWider Reason = "needs_wider"

// firstType is the type that a value gives to a column that has none (rule 10). A value that no column could hold
// gives none.
func firstType(l *Leaf) (Type, Reason) {
	switch l.Kind {
	case Bool:
		return Boolean, ""
	case Time:
		return Timestamptz, ""
	case Array:
		return Text, ""
	case Number:
		return numberType(l.Raw)
	}
	if l.Bad != "" {
		return Unknown, l.Bad
	}
	if _, ok := ParseRFC3339(l.Text); ok && !l.Cell {
		return Timestamptz, ""
	}
	return Text, ""
}

func numberType(lit []byte) (Type, Reason) {
	if _, ok := parseInt(lit); ok {
		return Bigint, ""
	}
	d := parseDecimal(lit)
	if reason := outOfRange(lit, d); reason != "" {
		return Unknown, reason
	}
	if !d.integer {
		return Double, ""
	}
	if _, ok := d.int64(); ok {
		return Bigint, ""
	}
	return Numeric, ""
}

// outOfRange tells numbers that no number column keeps (rule 12): integers of 39 and more digits, doubles that are not
// finite or that underflow to zero.
func outOfRange(lit []byte, d decimal) Reason {
	if d.integer {
		if d.count+d.exp > maxDigits {
			return NumberOutOfRange
		}
		return ""
	}
	if _, ok := parseFloat(lit, d); !ok {
		return NumberOutOfRange
	}
	return ""
}

// convert puts a leaf's value into cell as a value of type to, or says why that would change it (rules 11 and 12).
func convert(l *Leaf, to Type, cell *Cell) Reason {
	if l.Bad != "" {
		return l.Bad
	}
	switch to {
	case Text:
		cell.Bytes = l.Text
		return ""
	case Bigint, Double, Numeric:
		return convertNumber(l, to, cell)
	case Boolean:
		if convertBool(l, cell) {
			return ""
		}
	case Timestamptz:
		if convertTime(l, cell) {
			return ""
		}
	}
	return mismatch(l)
}

// mismatch is why a column that is neither text nor number refuses a value. A number out of range is that for each of them: it
// asked for no column, so that the reason must not depend on whether a later record's column is there already.
func mismatch(l *Leaf) Reason {
	if l.Kind == Number {
		if reason := outOfRange(l.Raw, parseDecimal(l.Raw)); reason != "" {
			return reason
		}
	}
	return TypeMismatch
}

func convertBool(l *Leaf, cell *Cell) bool {
	if l.Kind != Bool && l.Kind != String {
		return false
	}
	switch string(l.Text) {
	case "true":
		cell.Int = 1
	case "false":
		cell.Int = 0
	default:
		return false
	}
	return true
}

func convertTime(l *Leaf, cell *Cell) bool {
	switch l.Kind {
	case Time:
		cell.Int = int64(l.Time)
		return true
	case String:
		if m, ok := ParseRFC3339(l.Text); ok {
			cell.Int = int64(m)
			return true
		}
	}
	return false
}

// convertNumber stores numbers, and strings that are canonical numbers, where the value stays the same. Only a number
// that was sent as one can ask for a wider column or be out of range.
func convertNumber(l *Leaf, to Type, cell *Cell) Reason {
	lit := l.Raw
	if l.Kind == String && isJSONNumber(l.Text) {
		lit = l.Text
	} else if l.Kind != Number {
		return TypeMismatch
	}
	if v, ok := parseInt(lit); ok && to == Bigint {
		cell.Int = v
		return ""
	}
	d := parseDecimal(lit)
	if reason := outOfRange(lit, d); reason != "" {
		if l.Kind == String {
			return TypeMismatch
		}
		return reason
	}
	if to == Double {
		return convertDouble(lit, d, cell)
	}
	if d.count == 0 && d.neg && !d.integer {
		return TypeMismatch // only a double keeps the sign of -0.0
	}
	if to == Bigint {
		return convertBigint(l, d, cell)
	}
	text, ok := plainNumeric(lit, d)
	if !ok {
		return TypeMismatch
	}
	cell.Bytes = text
	return ""
}

func convertBigint(l *Leaf, d decimal, cell *Cell) Reason {
	if v, ok := d.int64(); ok {
		cell.Int = v
		return ""
	}
	if l.Kind == Number && !d.integral() {
		return needsWider
	}
	return TypeMismatch
}

func convertDouble(lit []byte, d decimal, cell *Cell) Reason {
	if !d.integer {
		f, ok := parseFloat(lit, d)
		if !ok {
			return NumberOutOfRange
		}
		cell.Int = int64(math.Float64bits(f))
		return ""
	}
	f, ok := exactDouble(lit, d)
	if !ok {
		return TypeMismatch
	}
	cell.Int = int64(math.Float64bits(f))
	return ""
}
