package gen

import (
	"bytes"
	"strings"

	"github.com/tapline/tapline/schema"
)

// hostility makes records bad or odd, in turn by each of the ways that its kind of file knows.
type hostility struct {
	ways []way
	next int
}

// way is one way to spoil a line, and what the data contract makes of the result.
type way struct {
	quarantined, discarded schema.Reason
	// spoil returns the spoiled line, without its line end, or nil if this record cannot be spoiled in this way.
	spoil func(line []byte, r *record) []byte
}

// spoiled is a hostile record and its fate: quarantine, or a row of event, perhaps with a value in discards.
type spoiled struct {
	line                   []byte
	event                  string
	quarantined, discarded schema.Reason
}

func newHostility(k Kind) *hostility {
	switch k {
	case CleverTap:
		return &hostility{ways: append(brokenJSON(), cleverTapWays()...)}
	case SegmentCSV, CleverTapCSV:
		return &hostility{ways: csvWays()}
	}
	return &hostility{ways: append(brokenJSON(), segmentWays()...)}
}

// spoil takes a good line with its line end.
func (h *hostility) spoil(line []byte, r *record) spoiled {
	line = bytes.TrimSuffix(line, []byte("\n"))
	for range h.ways {
		w := &h.ways[h.next%len(h.ways)]
		h.next++
		if bad := w.spoil(bytes.Clone(line), r); bad != nil {
			return spoiled{append(bad, '\n'), eventNames[r.event], w.quarantined, w.discarded}
		}
	}
	return spoiled{line: append(line, '\n'), event: eventNames[r.event]}
}

// swap replaces the first old in the line, or returns nil if there is none.
func swap(line []byte, old, new string) []byte {
	if !bytes.Contains(line, []byte(old)) {
		return nil
	}
	return bytes.Replace(line, []byte(old), []byte(new), 1)
}

// swapping is a way that replaces the first old by new.
func swapping(old, new string) func([]byte, *record) []byte {
	return func(line []byte, _ *record) []byte { return swap(line, old, new) }
}

// adding is a way that adds properties in front of the others.
func adding(members string) func([]byte, *record) []byte {
	return func(line []byte, r *record) []byte {
		for _, object := range [...]string{`"properties":{`, `"eventProps":{`} {
			if bad := swap(line, object, object+members+","); bad != nil && len(r.props) > 0 {
				return bad
			}
		}
		return nil
	}
}

// brokenJSON are the ways to spoil any JSON line.
func brokenJSON() []way {
	return []way{
		{quarantined: schema.InvalidJSON, spoil: func(line []byte, _ *record) []byte { return line[:len(line)*2/3] }},
		{quarantined: schema.NotAnObject, spoil: func(line []byte, _ *record) []byte {
			return append(append([]byte{'['}, line...), ']')
		}},
		{quarantined: schema.InvalidUTF8, spoil: adding("\"Caf\xe9\":1")},
		{quarantined: schema.EventTooLarge, spoil: adding(`"Blob":"` + strings.Repeat("x", 33<<10) + `"`)},
		{quarantined: schema.NestingTooDeep, spoil: adding(
			`"Deep":` + strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70))},
		{discarded: schema.NULCharacter, spoil: adding(`"Odd note":"a\u0000b"`)},
		{discarded: schema.InvalidUnicode, spoil: adding(`"Odd note":"\ud800 alone"`)},
		{discarded: schema.NumberOutOfRange, spoil: adding(`"Odd number":1e400`)},
		{discarded: schema.ReservedColumn, spoil: adding(`"user_id":"somebody else"`)},
		{discarded: schema.DuplicateKey, spoil: adding(`"Odd twice":"lost","Odd twice":"kept"`)},
		{discarded: schema.ColumnNameCollision, spoil: adding(`"odd_name":"kept","Odd Name":"lost"`)},
		{discarded: schema.TypeMismatch, spoil: func(line []byte, r *record) []byte {
			if r.event >= firstCustom { // only the catalogue's columns have a type before the first value
				return nil
			}
			return swap(line, `"CT Session Id":`, `"CT Session Id":"soon","Odd session":`)
		}},
		{spoil: adding(`"writeKey":"NEVER_TO_BE_STORED"`)},
		{spoil: adding(`"Odd null":null,"Odd list":[1,2.50,"x"],"Odd object":{"a":{"b":true}}`)},
		{spoil: adding(`"प्रकार":"no ASCII in the name","":"no name at all"`)},
		{spoil: func(line []byte, _ *record) []byte { return append(line, '\r') }},
		{spoil: func(line []byte, _ *record) []byte { return append(append([]byte(" \t"), line...), "  "...) }},
	}
}

// segmentWays spoil the envelope of a Segment call.
func segmentWays() []way {
	const typ = `"type":"track",`
	return []way{
		{quarantined: schema.DuplicateKey, spoil: swapping(typ, typ+typ)},
		{quarantined: schema.MissingType, spoil: swapping(typ, "")},
		{quarantined: schema.UnknownType, spoil: swapping(typ, `"type":"purchase",`)},
		{quarantined: schema.MessageIDTooLong, spoil: swapping(`"messageId":"`, `"messageId":"`+strings.Repeat("x", 80))},
		{quarantined: schema.InvalidMessageID, spoil: replacingID(`"messageId":{"no":"text"},`)},
		{quarantined: schema.MissingEvent, spoil: replacingEvent("")},
		{quarantined: schema.InvalidEvent, spoil: replacingEvent(`"event":["App Launched"],`)},
		{quarantined: schema.NULCharacter, spoil: replacingEvent(`"event":"App\u0000Launched",`)},
		{quarantined: schema.NoUserAnonID, spoil: withoutIDs},
		{quarantined: schema.InvalidUserID, spoil: swapping(`"userId":"`, `"userId":true,"was":"`)},
		{quarantined: schema.InvalidProperties, spoil: swapping(`"properties":{`, `"properties":"none","was":{`)},
		{quarantined: schema.InvalidContext, spoil: swapping(`"context":{`, `"context":7,"was":{`)},
		{discarded: schema.InvalidTimestamp, spoil: swapping(`"timestamp":"20`, `"timestamp":"32nd of 20`)},
		{spoil: replacingID("")},
		{spoil: replacingID(`"messageId":null,`)},
		{spoil: swapping(`"userId":"u-`, `"userId":9,"was":"u-`)},
		{spoil: swapping(typ, typ+`"integrations":{"All":false},"writeKey":"NEVER_TO_BE_STORED","channel":"server",`)},
		{spoil: swapping(`"timestamp":"20`, `"timestamp":1768471200.25,"was":"20`)},
		{spoil: swapping(`"event":"`, `"\u0065vent":"`)},
	}
}

// replacingID puts member in the place of the messageId.
func replacingID(member string) func([]byte, *record) []byte {
	return func(line []byte, _ *record) []byte {
		const lenUUID = 36
		from := len(`{"type":"track",`)
		to := len(segmentHead) + lenUUID + len(`",`)
		return append(append(bytes.Clone(line[:from]), member...), line[to:]...)
	}
}

// replacingEvent puts member in the place of the event.
func replacingEvent(member string) func([]byte, *record) []byte {
	return func(line []byte, r *record) []byte {
		return swap(line, `"event":"`+eventNames[r.event]+`",`, member)
	}
}

func withoutIDs(line []byte, r *record) []byte {
	if bad := swap(line, `"userId":"`+r.dev.user.id+`",`, ""); bad != nil {
		line = bad
	}
	if bad := swap(line, `"anonymousId":"`+r.dev.id+`",`, `"anonymousId":"",`); bad != nil {
		line = bad
	}
	return line
}

// cleverTapWays spoil what is around an export's properties.
func cleverTapWays() []way {
	return []way{
		{quarantined: schema.NoUserAnonID, spoil: func(line []byte, r *record) []byte {
			if r.event == appUninstalled { // it has the device in its properties
				return nil
			}
			from, to := bytes.Index(line, []byte(`"profile":{`)), bytes.Index(line, []byte(`"deviceInfo":{`))
			return append(bytes.Clone(line[:from]), line[to:]...)
		}},
		{discarded: schema.InvalidTimestamp, spoil: replacingTS("20260230100000")},
		{discarded: schema.InvalidTimestamp, spoil: replacingTS("0")},
		{spoil: replacingTS(`"20260115100000"`)},
		{spoil: replacingTS("1768471200")},
		{spoil: swapping(`"identity":"u-`, `"identity":9007199254740993123,"was":"u-`)},
		{spoil: swapping(`"identity":"u-`, `"identity":"u-1,u-`)},
		{spoil: func(line []byte, r *record) []byte {
			if r.event >= firstCustom { // only the catalogue's names are folded
				return nil
			}
			name := eventNames[r.event]
			odd := strings.ToUpper(strings.Replace(name, "AB ", "A/B ", 1))
			return swap(line, `"eventName":"`+name, `"eventName":"`+odd)
		}},
		{spoil: adding(`"Odd date":"$D_1768471200"`)},
	}
}

func replacingTS(value string) func([]byte, *record) []byte {
	return func(line []byte, _ *record) []byte {
		from := len(`{"ts":`)
		return append(append(bytes.Clone(line[:from]), value...), line[from+len("20260115100000"):]...)
	}
}

// csvWays spoil a record of a CSV file.
func csvWays() []way {
	return []way{
		{quarantined: schema.WrongFieldCount, spoil: func(line []byte, _ *record) []byte {
			return append(line, ",one,too many"...)
		}},
		{quarantined: schema.WrongFieldCount, spoil: func([]byte, *record) []byte { return []byte("cut,off") }},
		{quarantined: schema.InvalidUTF8, spoil: func(line []byte, _ *record) []byte {
			return append([]byte("caf\xe9"), line...)
		}},
		{spoil: func(line []byte, _ *record) []byte { return append(line, '\r') }},
		{spoil: func(line []byte, _ *record) []byte { // the first cell needs no quotes, but may have them
			first, rest, _ := bytes.Cut(line, []byte(","))
			return append(append(append([]byte{'"'}, first...), '"', ','), rest...)
		}},
	}
}
