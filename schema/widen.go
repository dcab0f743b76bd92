package schema

// Begin says that the records of a unit come from their first on. committed says that what earlier units brought is in
// the database, where the Widener sees it, and not merely planned.
func (s *State) Begin(committed bool) {
	s.outdated = false
	for _, t := range s.tables {
		t.crowded = false
		for _, c := range t.Columns {
			c.refused = false
			if committed {
				c.maxAbs = 0
			}
		}
	}
}

// Outdated reports whether rows made since Begin would be others now: a bigint column was widened (rule 11) after it had
// refused values that it takes as it is now, such as the string "2.5" before the first number 2.5; or a column of text was
// made after a number, such as 1e400, that no other column holds. The unit's rows must
// then be made anew, from its first record. What becomes of a value would otherwise depend on where a chunk ended, or
// on whether the loader was killed in between: who finds the column wide already has nothing to refuse.
func (s *State) Outdated() bool { return s.outdated }

// fitsWider reports whether a value that a bigint column refuses is one for a column that was widened.
func fitsWider(l *Leaf) bool {
	var cell Cell
	return convert(l, Double, &cell) == "" || convert(l, Numeric, &cell) == ""
}

// isFixed reports whether the catalogue says what type the column has (rule 21): it is not widened.
func (t *TableState) isFixed(c *ColumnState) bool {
	if t.fixed == nil {
		t.fixed = map[string]bool{}
		if ev, ok := CatalogueTable(t.Name); ok {
			for i := range ev.Properties {
				t.fixed[ev.Properties[i].Column] = true
			}
		}
	}
	return t.fixed[c.Name]
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// widen makes a bigint column wide enough for a fraction (rule 11), if that can be. A column of identifies or groups
// widens together with its twin in users or accounts.
func (s *State) widen(t *TableState, c *ColumnState) bool {
	key := [2]string{t.Name, c.Name}
	if s.opts.Managed || s.blocked[key] {
		s.blocked[key] = true
		return false
	}
	to, ok := s.widerType(t, c)
	var twin *ColumnState
	if t.mirror != nil {
		twin = t.mirror.byName[c.Name]
	}
	if twin != nil && twin.Type != Bigint {
		twin = nil // somebody has seen to it already, in whatever way
	}
	if twin != nil && ok {
		var other Type
		if other, ok = s.widerType(t.mirror, twin); other == Numeric {
			to = Numeric
		}
	}
	if !ok {
		s.blocked[key] = true
		return false
	}
	// Rows made before may have been denied values that the column takes now, or have the size of a bigint in it.
	s.outdated = s.outdated || c.refused || to == Numeric && t.crowded
	c.Type = to
	if twin != nil {
		twin.Type = to
	}
	return true
}

func (s *State) widerType(t *TableState, c *ColumnState) (Type, bool) {
	to := Double
	if c.stored == Bigint {
		if s.opts.Widener == nil {
			return Unknown, false
		}
		var ok bool
		if to, ok = s.opts.Widener.Widen(t.Name, c.Name); !ok {
			return Unknown, false
		}
	}
	if c.maxAbs > maxExactInt {
		to = Numeric
	}
	return to, true
}
