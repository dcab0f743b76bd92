package federate

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// binaryOID reports whether values of a type are asked for as Postgres holds them; all others come as text.
func binaryOID(oid uint32) bool {
	switch oid {
	case pgtype.BoolOID, pgtype.Int8OID, pgtype.Float8OID, pgtype.TimestamptzOID:
		return true
	}
	return false
}

// postgresEpoch is where Postgres counts microseconds from, in microseconds since 1970.
const postgresEpoch = 946_684_800_000_000

// instant returns a timestamptz in binary form; false for infinity.
func instant(raw []byte) (time.Time, bool) {
	micros := int64(binary.BigEndian.Uint64(raw))
	if micros == math.MaxInt64 || micros == math.MinInt64 {
		return time.Time{}, false
	}
	return time.UnixMicro(micros + postgresEpoch).UTC(), true
}

// value returns a value as it goes into JSON. What JSON cannot hold, such as NaN, goes as text.
func (c *column) value(raw []byte) (any, error) {
	if c.binary {
		return fromBinary(c.oid, raw)
	}
	switch c.oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.NumericOID, pgtype.Float4OID, pgtype.Float8OID:
		if s := string(raw); json.Valid(raw) { // NaN and Infinity are not
			return json.Number(s), nil
		}
	case pgtype.BoolOID:
		return len(raw) > 0 && raw[0] == 't', nil
	case pgtype.JSONOID, pgtype.JSONBOID:
		return json.RawMessage(append([]byte(nil), raw...)), nil
	case pgtype.TextOID, pgtype.VarcharOID:
		if c.array && jsonArray(raw) {
			return json.RawMessage(append([]byte(nil), raw...)), nil
		}
	}
	return string(raw), nil
}

func fromBinary(oid uint32, raw []byte) (any, error) {
	switch {
	case oid == pgtype.BoolOID && len(raw) == 1:
		return raw[0] != 0, nil
	case oid == pgtype.Int8OID && len(raw) == 8:
		return int64(binary.BigEndian.Uint64(raw)), nil
	case oid == pgtype.Float8OID && len(raw) == 8:
		f := math.Float64frombits(binary.BigEndian.Uint64(raw))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return strconv.FormatFloat(f, 'g', -1, 64), nil
		}
		return f, nil
	case oid == pgtype.TimestamptzOID && len(raw) == 8:
		t, finite := instant(raw)
		if year := t.Year(); !finite || year < 0 || year > 9999 { // RFC 3339 ends there
			return strconv.FormatInt(int64(binary.BigEndian.Uint64(raw)), 10), nil
		}
		return t.Format(time.RFC3339Nano), nil
	}
	return nil, fmt.Errorf("a value of type %d with %d bytes: %w", oid, len(raw), errAltered)
}

// text is a value as text, for its digest.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.RawMessage:
		return string(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}
