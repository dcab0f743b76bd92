package copyin

// setConsts lays out the constants, so that those of a unit lie together.
func (e *Encoder) setConsts(consts []Constant) {
	units := 1
	for _, c := range consts {
		units = max(units, len(c.Fields))
	}
	e.consts, e.width = e.consts[:0], 0
	for unit := range units {
		for _, c := range consts {
			field := c.Field
			if len(c.Fields) > 0 {
				field = c.Fields[unit]
			}
			e.consts = append(e.consts, field...)
		}
	}
	if units > 1 {
		e.width = len(e.consts) / units // a column's fields are of one type and size
	}
}

// constsOf returns the constants of the unit that the given part of the rows comes from.
func (e *Encoder) constsOf(part int) []byte {
	unit := int(e.parts[part].Unit)
	return e.consts[unit*e.width : (unit+1)*e.width]
}
