package decode_test

import (
	"testing"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

func TestLiteral(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		raw, text string
		cleverTap bool
		kind      schema.Kind
		bad       schema.Reason
	}{
		{`2.50`, `2.50`, false, schema.Number, ""},
		{`true`, `true`, false, schema.Bool, ""},
		{`"a\"\u00e9"`, "a\"é", false, schema.String, ""},
		{`"\u0000"`, "", false, schema.String, schema.NULCharacter},
		{`"\ud800"`, "", false, schema.String, schema.InvalidUnicode},
		{`["a",{"b":[1]}]`, `["a",{"b":[1]}]`, false, schema.Array, ""},
		{`"$D_1700000000"`, "$D_1700000000", true, schema.Time, ""},
		{`"$D_1700000000"`, "$D_1700000000", false, schema.String, ""},
	} {
		var l schema.Leaf
		if !decode.Literal([]byte(c.raw), c.cleverTap, &l) {
			t.Errorf("Literal(%s) is none", c.raw)
			continue
		}
		if l.Kind != c.kind || l.Bad != c.bad || c.bad == "" && string(l.Text) != c.text || string(l.Raw) != c.raw {
			t.Errorf("Literal(%s) = kind %d, text %q, bad %q", c.raw, l.Kind, l.Text, l.Bad)
		}
		if c.kind == schema.Time && l.Time != 1700000000*1e6 {
			t.Errorf("Literal(%s) is at %d", c.raw, l.Time)
		}
	}
	for _, raw := range []string{``, `null`, `{"a":1}`, `"a`, `"a"b`, `[1`, `1 2`, `tru`, `"\x"`, `abc`} {
		var l schema.Leaf
		if decode.Literal([]byte(raw), true, &l) {
			t.Errorf("Literal(%s) = %+v, want none", raw, l)
		}
	}
}
