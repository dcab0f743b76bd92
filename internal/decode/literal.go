package decode

import "github.com/tapline/tapline/schema"

// Literal reads one JSON literal again, such as _discards keeps of a value that its row could not hold. cleverTap says that
// the source's strings may be CleverTap's date literals. It returns false for what no leaf is: objects, null, broken JSON.
// The leaf borrows raw and has no Path.
func Literal(raw []byte, cleverTap bool, l *schema.Leaf) bool {
	*l = schema.Leaf{Raw: raw, Text: raw}
	if len(raw) == 0 {
		return false
	}
	d := Decoder{open: make([]byte, 0, maxDepth)}
	switch c := raw[0]; {
	case c == '"':
		end := special(raw, 1)
		if end >= len(raw) {
			return false
		}
		l.Kind, l.Text = schema.String, raw[1:end]
		if raw[end] != '"' {
			if l.Text, end, l.Bad = d.unescape(raw, 1, end); end < 0 {
				return false
			}
		}
		if end != len(raw)-1 {
			return false
		}
		if cleverTap {
			one := []schema.Leaf{*l}
			dates(one)
			*l = one[0]
		}
		return true
	case c == '{' || c == 'n':
		return false
	case c == '[':
		l.Kind = schema.Array
	case c == 't' || c == 'f':
		l.Kind = schema.Bool
	default:
		l.Kind = schema.Number
	}
	return d.skip(raw, 0, maxDepth) == len(raw)
}
