package schema_test

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tapline/tapline/schema"
)

// number is what a literal means, by math/big.
type number struct {
	lit      string
	value    *big.Rat
	integer  bool // neither fraction nor exponent
	float    float64
	tooLarge bool // for every number column
}

func parse(lit string) number {
	n := number{lit: lit, integer: !strings.ContainsAny(lit, ".eE")}
	n.value, _ = new(big.Rat).SetString(lit)
	var err error
	n.float, err = strconv.ParseFloat(lit, 64)
	if n.integer {
		n.tooLarge = len(strings.TrimPrefix(lit, "-")) > 38
	} else {
		n.tooLarge = err != nil || n.float == 0 && n.value.Sign() != 0
	}
	return n
}

func (n number) bigint() (int64, bool) {
	return n.value.Num().Int64(), n.value.IsInt() && n.value.Num().IsInt64()
}

// numeric reports whether the number has at most 38 digits on either side of the point.
func (n number) numeric() bool {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)
	below := new(big.Rat).Abs(n.value).Cmp(new(big.Rat).SetInt(scale)) < 0
	return below && new(big.Rat).Mul(n.value, new(big.Rat).SetInt(scale)).IsInt()
}

func (n number) double() (uint64, bool) {
	if n.integer && n.value.Sign() == 0 {
		return 0, true
	}
	exact := !math.IsInf(n.float, 0) && new(big.Rat).SetFloat64(n.float).Cmp(n.value) == 0
	return math.Float64bits(n.float), exact || !n.integer
}

// isNumber is JSON's grammar.
var isNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// literals draws number literals of JSON, above all ones near the limits of types.
func literals() *rapid.Generator[string] {
	near := rapid.Custom(func(t *rapid.T) string {
		base := rapid.SampledFrom([]string{
			"9223372036854775807", "9223372036854775808", "9007199254740992", "18446744073709551616", "1000000000000000000", "0",
		}).Draw(t, "base")
		v, _ := new(big.Int).SetString(base, 10)
		v.Add(v, big.NewInt(rapid.Int64Range(-3, 3).Draw(t, "off")))
		return v.String() + rapid.SampledFrom([]string{"", ".0", ".5", "e0", "0e-1", "00e-2", "E+1"}).Draw(t, "end")
	})
	grammar := rapid.StringMatching(`-?(0|[1-9][0-9]{0,45})(\.[0-9]{1,45})?([eE][+-]?[0-9]{1,3})?`)
	short := rapid.StringMatching(`-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,3})?([eE][+-]?[0-9])?`)
	return rapid.OneOf(near, grammar, short).Filter(isNumber.MatchString)
}

// types are columns of every type that numbers go to.
func types() *schema.Table {
	return table("e", schema.Column{Name: "i", Type: schema.Bigint}, schema.Column{Name: "f", Type: schema.Double},
		schema.Column{Name: "n", Type: schema.Numeric}, schema.Column{Name: "s", Type: schema.Text},
		schema.Column{Name: "b", Type: schema.Boolean}, schema.Column{Name: "t", Type: schema.Timestamptz})
}

// TestNumbersAgainstBig stores literals, and strings of them, in columns of all types: nothing changes its value but a
// decimal that becomes the nearest double, and what cannot be stored is in the discards with the right reason.
func TestNumbersAgainstBig(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := parse(literals().Draw(t, "number"))
		lit, bad := n.lit, schema.NumberOutOfRange
		if rapid.Bool().Draw(t, "as string") {
			lit, bad = `"`+lit+`"`, schema.TypeMismatch
		}
		src := newSource()
		state := schema.NewState(tables(types()), schema.Options{})
		var r schema.Row
		state.Row(src.track("e", "i", lit, "f", lit, "n", lit, "s", lit, "b", lit, "t", lit), 0, &r)
		if !n.tooLarge {
			bad = schema.TypeMismatch
		}
		want := map[string]schema.Reason{"b": bad, "t": bad}
		i, isInt := n.bigint()
		f, isDouble := n.double()
		minusZero := !n.integer && n.value.Sign() == 0 && n.lit[0] == '-' // only a double keeps its sign
		for column, fits := range map[string]bool{"i": isInt, "f": isDouble, "n": n.numeric()} {
			if n.tooLarge || !fits || column != "f" && minusZero {
				want[column] = bad
			}
		}
		got := map[string]schema.Reason{}
		for _, d := range r.Discards {
			got[d.Column] = d.Reason
		}
		for _, column := range []string{"i", "f", "n", "s", "b", "t"} {
			if got[column] != want[column] || (cell(&r, column) == nil) != (want[column] != "") {
				t.Fatalf("%s in column %s: reason %q, want %q", lit, column, got[column], want[column])
			}
		}
		if c := cell(&r, "i"); c != nil && c.Int != i {
			t.Fatalf("%s as bigint is %d", lit, c.Int)
		}
		if c := cell(&r, "f"); c != nil && uint64(c.Int) != f {
			t.Fatalf("%s as double is %v", lit, math.Float64frombits(uint64(c.Int)))
		}
		if c := cell(&r, "n"); c != nil {
			v, ok := new(big.Rat).SetString(string(c.Bytes))
			if !ok || v.Cmp(n.value) != 0 || strings.ContainsAny(string(c.Bytes), "eE") {
				t.Fatalf("%s as numeric is %s", lit, c.Bytes)
			}
		}
		if c := cell(&r, "s"); string(c.Bytes) != n.lit {
			t.Fatalf("%s as text is %q", lit, c.Bytes)
		}
	})
}

// TestFirstNumberSetsTheType checks the type that a number gives to a new column.
func TestFirstNumberSetsTheType(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := parse(literals().Draw(t, "number"))
		_, isInt := n.bigint()
		want := schema.Double
		switch {
		case n.tooLarge:
			want = schema.Unknown
		case n.integer && isInt:
			want = schema.Bigint
		case n.integer:
			want = schema.Numeric
		}
		state := schema.NewState(schema.Tables{}, schema.Options{})
		var r schema.Row
		state.Row(newSource().track("e", "x", n.lit), 0, &r)
		got := schema.Unknown
		if c := cell(&r, "x"); c != nil {
			got = c.Column.Type
		}
		if got != want {
			t.Fatalf("%s makes a column of type %s, want %s", n.lit, got, want)
		}
	})
}

func TestStringsThatAreNoNumbers(t *testing.T) {
	t.Parallel()
	state := schema.NewState(tables(types()), schema.Options{})
	src := newSource()
	for _, text := range []string{"", "03", "+1", "1.", ".5", "1e", "0x10", "1 ", " 1", "NaN", "Infinity", "1_000", "١", "--1", "1e+"} {
		r := row(t, state, src.track("e", "i", strconv.Quote(text), "f", strconv.Quote(text), "n", strconv.Quote(text)))
		if len(r.Discards) != 3 || cell(r, "i") != nil || cell(r, "f") != nil || cell(r, "n") != nil {
			t.Errorf("the string %q is taken for a number: %v", text, discards(r))
		}
	}
	if len(state.Blocked()) != 0 {
		t.Errorf("a string asks for a wider column: %v", state.Blocked())
	}
}
