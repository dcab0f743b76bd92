package schema_test

import (
	"math"
	"testing"

	"github.com/tapline/tapline/schema"
)

func TestStored(t *testing.T) {
	t.Parallel()
	number := func(s string) schema.Leaf {
		return schema.Leaf{Kind: schema.Number, Raw: []byte(s), Text: []byte(s)}
	}
	text := func(s string) schema.Leaf {
		return schema.Leaf{Kind: schema.String, Raw: []byte(`"` + s + `"`), Text: []byte(s)}
	}
	instant := func(m schema.Micros) schema.Leaf { return schema.Leaf{Kind: schema.Time, Time: m} }
	for _, c := range []struct {
		leaf   schema.Leaf
		to     schema.Type
		want   string
		reason schema.Reason
	}{
		{number("2.5"), schema.Double, "2.5", ""},
		{number("2.5"), schema.Numeric, "2.5", ""},
		{number("2.5"), schema.Bigint, "", schema.TypeMismatch},
		{number("2e3"), schema.Bigint, "2000", ""},
		{number("1e-7"), schema.Double, "1e-07", ""},
		{number("-0.0"), schema.Double, "-0", ""},
		{number("9007199254740993"), schema.Double, "", schema.TypeMismatch},
		{number("1e400"), schema.Numeric, "", schema.NumberOutOfRange},
		{number("2.50"), schema.Text, "2.50", ""},
		{text("03"), schema.Double, "", schema.TypeMismatch},
		{text("3"), schema.Double, "3", ""},
		{text("true"), schema.Boolean, "true", ""},
		{text("2020-01-02T03:04:05.5+01:00"), schema.Timestamptz, "2020-01-02 02:04:05.5Z", ""},
		{instant(0), schema.Timestamptz, "1970-01-01 00:00:00Z", ""},
		{instant(-62198755200 * 1e6), schema.Timestamptz, "0002-01-01 00:00:00Z BC", ""},
		{schema.Leaf{Kind: schema.String, Bad: schema.NULCharacter}, schema.Text, "", schema.NULCharacter},
		{number("1"), schema.Unknown, "", schema.TypeMismatch},
		{number("9223372036854775808"), schema.Numeric, "9223372036854775808", ""},
		{instant(math.MaxInt32), schema.Text, "", ""},
	} {
		got, reason := schema.Stored(&c.leaf, c.to)
		if got != c.want || reason != c.reason {
			t.Errorf("Stored(%s, %s) = %q, %q; want %q, %q", c.leaf.Raw, c.to, got, reason, c.want, c.reason)
		}
	}
}
