package parquet

import (
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// literal appends a value as JSON.
type literal func(out []byte, v parquet.Value) []byte

// newLiteral chooses how the values of a column are written. The error names a type that has no JSON.
func newLiteral(e *format.SchemaElement) (literal, error) {
	if l, ok := annotated(e); ok {
		if l == nil {
			return nil, problem(UnknownType, "column %q has the type %s, which is not read", e.Name, typeName(e))
		}
		return l, nil
	}
	switch e.Type.V {
	case format.Boolean:
		return func(out []byte, v parquet.Value) []byte { return strconv.AppendBool(out, v.Boolean()) }, nil
	case format.Int32:
		return func(out []byte, v parquet.Value) []byte { return strconv.AppendInt(out, int64(v.Int32()), 10) }, nil
	case format.Int64:
		return func(out []byte, v parquet.Value) []byte { return strconv.AppendInt(out, v.Int64(), 10) }, nil
	case format.Int96:
		return func(out []byte, v parquet.Value) []byte { return appendTime(out, int96Time(v.Int96())) }, nil
	case format.Float:
		return func(out []byte, v parquet.Value) []byte { return appendFloat(out, float64(v.Float()), 32) }, nil
	case format.Double:
		return func(out []byte, v parquet.Value) []byte { return appendFloat(out, v.Double(), 64) }, nil
	case format.ByteArray:
		return appendText, nil
	}
	return nil, problem(UnknownType, "column %q has the type %s, which is not read", e.Name, typeName(e))
}

// annotated handles types that say more than how values are stored. ok is false if there is nothing to heed; a nil literal
// cannot be read.
func annotated(e *format.SchemaElement) (l literal, ok bool) {
	switch t := e.LogicalType.Value.(type) {
	case nil:
	case *format.StringType, *format.EnumType, *format.JsonType:
		return textOf(e), true
	case *format.DecimalType:
		return decimal(e, t.Scale), true
	case *format.DateType:
		return date, true
	case *format.TimeType:
		return clock(t.Unit.Value), true
	case *format.TimestampType:
		return instant(t.Unit.Value), true
	case *format.IntType:
		return integer(e, t.IsSigned), true
	case *format.UUIDType:
		return uuid, true
	case *format.NullType:
		return func(out []byte, _ parquet.Value) []byte { return append(out, "null"...) }, true
	default:
		return nil, true
	}
	if !e.ConvertedType.Valid {
		return nil, false
	}
	switch e.ConvertedType.V {
	case deprecated.UTF8, deprecated.Enum, deprecated.Json:
		return textOf(e), true
	case deprecated.Decimal:
		return decimal(e, e.Scale.V), true
	case deprecated.Date:
		return date, true
	case deprecated.TimeMillis:
		return clock(&format.MilliSeconds{}), true
	case deprecated.TimeMicros:
		return clock(&format.MicroSeconds{}), true
	case deprecated.TimestampMillis:
		return instant(&format.MilliSeconds{}), true
	case deprecated.TimestampMicros:
		return instant(&format.MicroSeconds{}), true
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
		return integer(e, false), true
	case deprecated.Int8, deprecated.Int16, deprecated.Int32, deprecated.Int64:
		return nil, false
	}
	return nil, true
}

// typeName is a type as people know it.
func typeName(e *format.SchemaElement) string {
	switch {
	case e.LogicalType.Value != nil:
		return e.LogicalType.String()
	case e.ConvertedType.Valid && e.ConvertedType.V == deprecated.Interval:
		return "INTERVAL"
	case e.ConvertedType.Valid && e.ConvertedType.V == deprecated.Bson:
		return "BSON"
	}
	return e.Type.V.String()
}

func textOf(e *format.SchemaElement) literal {
	if e.Type.V != format.ByteArray {
		return nil
	}
	return appendText
}

// appendText writes bytes as a JSON string. They stay as they are: whoever decodes the record judges them.
func appendText(out []byte, v parquet.Value) []byte { return appendString(out, v.ByteArray()) }

// An event that is larger than 32 KiB is refused, and only its beginning is kept. So of a text beyond maxText, and of a
// part of a record beyond maxRecord, no more is written: a row of a few bytes may name a text of a megabyte a thousand
// times.
const (
	maxText   = 64 << 10
	maxRecord = 256 << 10
	// maxDecimal is how many bytes of a decimal are read; there is no room for so many digits anywhere.
	maxDecimal = 1 << 10
)

func appendString(out, text []byte) []byte {
	text = text[:min(len(text), maxText)]
	const digits = "0123456789abcdef"
	out = append(out, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < ' ':
			out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// appendFloat writes whole numbers without an exponent, as JSON has them. What is no number at all has no literal in
// JSON: it is text.
func appendFloat(out []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(out, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(out, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(out, `"-Infinity"`...)
	case f == math.Trunc(f) && math.Abs(f) < 1<<53:
		return strconv.AppendFloat(out, f, 'f', -1, bits)
	}
	return strconv.AppendFloat(out, f, 'g', -1, bits)
}

func integer(e *format.SchemaElement, signed bool) literal {
	switch {
	case e.Type.V == format.Int32 && signed:
		return func(out []byte, v parquet.Value) []byte { return strconv.AppendInt(out, int64(v.Int32()), 10) }
	case e.Type.V == format.Int64 && signed:
		return func(out []byte, v parquet.Value) []byte { return strconv.AppendInt(out, v.Int64(), 10) }
	case e.Type.V == format.Int32:
		return func(out []byte, v parquet.Value) []byte { return strconv.AppendUint(out, uint64(v.Uint32()), 10) }
	case e.Type.V == format.Int64:
		return func(out []byte, v parquet.Value) []byte { return strconv.AppendUint(out, v.Uint64(), 10) }
	}
	return nil
}

func date(out []byte, v parquet.Value) []byte {
	return append(time.Unix(int64(v.Int32())*86_400, 0).UTC().AppendFormat(append(out, '"'), time.DateOnly), '"')
}

func appendTime(out []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(out, '"'), time.RFC3339Nano), '"')
}

func instant(unit format.TimeUnitValue) literal {
	switch unit.(type) {
	case *format.MilliSeconds:
		return func(out []byte, v parquet.Value) []byte { return appendTime(out, time.UnixMilli(v.Int64())) }
	case *format.MicroSeconds:
		return func(out []byte, v parquet.Value) []byte { return appendTime(out, time.UnixMicro(v.Int64())) }
	case *format.NanoSeconds:
		return func(out []byte, v parquet.Value) []byte { return appendTime(out, time.Unix(0, v.Int64())) }
	}
	return nil
}

func clock(unit format.TimeUnitValue) literal {
	if unit == nil {
		return nil
	}
	_, millis := unit.(*format.MilliSeconds)
	return func(out []byte, v parquet.Value) []byte {
		n := v.Int64()
		if millis {
			n = int64(v.Int32())
		}
		at := time.Unix(0, 0).UTC().Add(time.Duration(n) * unit.Duration())
		return append(at.AppendFormat(append(out, '"'), "15:04:05.999999999"), '"')
	}
}

// int96Time is how Impala and Spark stored an instant: nanoseconds of a day, and its Julian number.
func int96Time(v deprecated.Int96) time.Time {
	const epoch = 2_440_588
	nanos := int64(v[1])<<32 | int64(v[0])
	return time.Unix((int64(v[2])-epoch)*86_400, nanos)
}

func uuid(out []byte, v parquet.Value) []byte {
	b := v.ByteArray()
	if len(b) != 16 {
		return appendString(out, []byte(hex.EncodeToString(b)))
	}
	h := hex.EncodeToString(b)
	return appendString(out, []byte(h[:8]+"-"+h[8:12]+"-"+h[12:16]+"-"+h[16:20]+"-"+h[20:]))
}

// decimal writes all digits, which JSON allows and the contract keeps.
func decimal(e *format.SchemaElement, scale int32) literal {
	if scale < 0 || scale > 76 {
		return nil
	}
	switch e.Type.V {
	case format.Int32:
		return func(out []byte, v parquet.Value) []byte {
			return appendDecimal(out, big.NewInt(int64(v.Int32())), int(scale))
		}
	case format.Int64:
		return func(out []byte, v parquet.Value) []byte { return appendDecimal(out, big.NewInt(v.Int64()), int(scale)) }
	case format.ByteArray, format.FixedLenByteArray:
		return func(out []byte, v parquet.Value) []byte {
			return appendDecimal(out, signedInt(v.ByteArray()), int(scale))
		}
	}
	return nil
}

// signedInt reads a two's complement number, the most significant byte first.
func signedInt(b []byte) *big.Int {
	b = b[:min(len(b), maxDecimal)]
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func appendDecimal(out []byte, n *big.Int, scale int) []byte {
	if n.Sign() < 0 {
		out = append(out, '-')
	}
	digits := new(big.Int).Abs(n).String()
	for len(digits) <= scale {
		digits = "0" + digits
	}
	out = append(out, digits[:len(digits)-scale]...)
	if scale > 0 {
		out = append(append(out, '.'), digits[len(digits)-scale:]...)
	}
	return out
}
