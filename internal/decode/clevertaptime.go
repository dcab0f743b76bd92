package decode

import (
	"time"

	"github.com/tapline/tapline/schema"
)

// timestamp fills the instants of a CleverTap record from its ts, and keeps the number itself (rule 24).
func (d *Decoder) timestamp(ev *schema.Event) {
	t := d.get(fTS)
	if t.kind == 0 {
		return
	}
	scalar := t.kind == schema.Number || (t.kind == schema.String && t.bad == "")
	if t.kind == schema.Number || (scalar && isCount(t.text)) {
		l := d.context.leaf()
		*l = schema.Leaf{Path: d.names.ts, Raw: t.text, Text: t.text, Kind: schema.Number}
	}
	if scalar && digits(t.text, 0) == len(t.text) {
		switch len(t.text) {
		case 10:
			ev.Timestamp = schema.Micros(decimal(t.text) * second)
		case 14:
			ev.Timestamp = d.clock.instant(t.text)
		}
	}
	if ev.OriginalTimestamp = ev.Timestamp; ev.Timestamp == schema.NoTime {
		ev.Discards = append(ev.Discards, schema.Discard{
			Column: "original_timestamp", Raw: Redact(t.raw), Reason: schema.InvalidTimestamp,
		})
	}
}

// isCount reports whether text is a JSON number made of digits alone.
func isCount(text []byte) bool {
	n := len(text)
	return n > 0 && digits(text, 0) == n && (text[0] != '0' || n == 1)
}

// clock turns local times of a project's time zone into instants.
type clock struct {
	loc                *time.Location
	ambiguous, missing int64

	// The last hour that has one offset all through, as YYYYMMDDHH, and when it began. The records of a file come
	// nearly in order: looking the zone up for each costs more than all the rest of the time.
	hour  int64
	begin int64
}

// Hours returns how many records had a local time that exists twice (the earlier instant was taken) and one that does
// not exist (shifted forward).
func (d *Decoder) Hours() (ambiguous, missing int64) { return d.clock.ambiguous, d.clock.missing }

// instant returns the instant of YYYYMMDDHHMMSS, or NoTime if there is no such date or time of day.
func (c *clock) instant(text []byte) schema.Micros {
	minute, sec := decimal(text[10:12]), decimal(text[12:14])
	if minute > 59 || sec > 59 {
		return schema.NoTime
	}
	inHour := minute*60 + sec
	hour := decimal(text[:10])
	if hour == c.hour {
		return schema.Micros((c.begin + inHour) * second)
	}
	days, ok := schema.CivilDays(int(decimal(text[:4])), int(decimal(text[4:6])), int(decimal(text[6:8])))
	if !ok || hour%100 > 23 {
		return schema.NoTime
	}
	local := days*day + hour%100*3600
	before, after := c.offset(local-2*day), c.offset(local+2*day)
	if before == after {
		c.hour, c.begin = hour, local-before
		return schema.Micros((c.begin + inHour) * second)
	}
	return schema.Micros(c.near(local+inHour, before, after) * second)
}

func (c *clock) offset(unix int64) int64 {
	_, offset := time.Unix(unix, 0).In(c.loc).Zone()
	return int64(offset)
}

// near returns the instant of a local time within two days of a change of the offset.
func (c *clock) near(local, before, after int64) int64 {
	early, late := local-before, local-after
	isEarly, isLate := c.offset(early) == before, c.offset(late) == after
	switch {
	case isEarly && isLate:
		c.ambiguous++
		return min(early, late)
	case isLate:
		return late
	case !isEarly:
		c.missing++
	}
	return early
}
