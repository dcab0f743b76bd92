package gen

import "time"

// clock maps the progress of the generator onto the time between From and To, so that the hours of a day are as busy
// as people are awake.
type clock struct {
	from, to int64 // Unix milliseconds
	busy     [25]float64
	zone     *time.Location
	// The offset of the zone, which is looked up once per quarter of an hour: no zone changes it in between.
	quarter, offset int64
}

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

func newClock(o *Options) *clock {
	c := &clock{from: o.From.UnixMilli(), to: o.To.UnixMilli(), zone: o.TimeZone, quarter: -1}
	weights := [24]float64{
		3, 2, 1, 1, 1, 2, 4, 6, 8, 9, 9, 8, 9, 8, 7, 7, 8, 9, 11, 13, 14, 13, 9, 5,
	}
	sum := 0.0
	for i, w := range weights {
		sum += w
		c.busy[i+1] = sum
	}
	for i := range c.busy {
		c.busy[i] /= sum
	}
	return c
}

// at returns the instant for a progress from 0 to 1.
func (c *clock) at(progress float64) int64 {
	t := progress * float64(c.to-c.from)
	days := int64(t) / day
	inDay := (t - float64(days*day)) / float64(day)
	h := 0
	for h < 23 && c.busy[h+1] <= inDay {
		h++
	}
	inHour := (inDay - c.busy[h]) / (c.busy[h+1] - c.busy[h])
	return c.clamp(c.from + days*day + int64(h)*hour + int64(inHour*float64(hour)))
}

// clamp keeps an instant within the bounds: what a scene plans for later than To happens at its end.
func (c *clock) clamp(t int64) int64 { return min(max(t, c.from), c.to-1) }

// local returns t as if the zone's local time were UTC.
func (c *clock) local(t int64) int64 {
	if quarter := t / (15 * minute); quarter != c.quarter {
		_, seconds := time.UnixMilli(t).In(c.zone).Zone()
		c.quarter, c.offset = quarter, int64(seconds)*second
	}
	return t + c.offset
}

// civil splits Unix milliseconds into date and time. time.Time does the same in five calls that each start anew.
// The date's algorithm is Howard Hinnant's days_from_civil, backwards.
func civil(t int64) (year, month, dayOfMonth, h, m, s, ms int) {
	days, rest := t/day, t%day
	z := days + 719468
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	month = int(mp + 3)
	year = int(yoe + era*400)
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, int(doy-(153*mp+2)/5) + 1,
		int(rest / hour), int(rest / minute % 60), int(rest / second % 60), int(rest % second)
}

func two(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// appendISO appends t as in 2026-01-15T10:00:00.123Z.
func appendISO(dst []byte, t int64) []byte {
	year, month, dom, h, m, s, ms := civil(t)
	dst = two(two(dst, year/100), year%100)
	dst = two(append(dst, '-'), month)
	dst = two(append(dst, '-'), dom)
	dst = two(append(dst, 'T'), h)
	dst = two(append(dst, ':'), m)
	dst = two(append(dst, ':'), s)
	return append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

// appendDay appends the date of t as in 20260115.
func appendDay(dst []byte, t int64) []byte {
	year, month, dom, _, _, _, _ := civil(t)
	return two(two(two(two(dst, year/100), year%100), month), dom)
}

// appendStamp appends t as in 20260115100000, CleverTap's ts.
func appendStamp(dst []byte, t int64) []byte {
	_, _, _, h, m, s, _ := civil(t)
	return two(two(two(appendDay(dst, t), h), m), s)
}
