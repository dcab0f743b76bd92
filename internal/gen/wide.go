package gen

import (
	"io"
	"math/rand/v2"
	"strconv"
)

// writeWide makes events of many tables with many columns, which is what costs a loader memory. Types take turns, so
// that every table has all of them.
func writeWide(w io.Writer, o Options) (Stats, error) {
	rng := rand.New(rand.NewPCG(o.Seed, 0x77696465))
	out := &output{w: w, stats: newStats()}
	times := newClock(&o)
	var past memory
	for n := int64(1); n <= o.Events; n++ {
		if o.Duplicates > 0 && n%o.Duplicates == 0 && past.count > 0 {
			out.buf = append(out.buf, past.pick(rng).bytes...)
			out.stats.Repeats++
		} else {
			table := int((n - 1) % int64(o.Tables))
			round := int((n - 1) / int64(o.Tables))
			start := len(out.buf)
			name := "Wide Event " + strconv.Itoa(table+1)
			at := times.at(float64(n-1) / float64(o.Events))
			out.buf = appendWide(out.buf, rng, name, at, round, &o)
			out.stats.Rows[name]++
			if o.Duplicates > 0 {
				past.keep(0, out.buf[start:])
			}
		}
		if err := out.done(); err != nil {
			return out.stats, err
		}
	}
	return out.stats, out.flush()
}

// appendWide appends one line. Each round fills the next Fill columns, so that all are met after Columns/Fill rounds.
func appendWide(dst []byte, rng *rand.Rand, name string, at int64, round int, o *Options) []byte {
	dst = append(dst, segmentHead...)
	dst = appendUUID(dst, rng)
	dst = append(dst, `","event":"`...)
	dst = append(dst, name...)
	dst = append(dst, `","userId":"u-`...)
	dst = strconv.AppendInt(dst, rng.Int64N(int64(o.Users)), 10)
	dst = append(dst, `","timestamp":"`...)
	dst = appendISO(dst, at)
	dst = append(dst, `","properties":{`...)
	for i := range o.Fill {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendWideProp(dst, rng, (round*o.Fill+i)%o.Columns, at)
	}
	return append(dst, "}}\n"...)
}

func appendWideProp(dst []byte, rng *rand.Rand, column int, at int64) []byte {
	dst = append(dst, `"Column `...)
	dst = strconv.AppendInt(dst, int64(column+1), 10)
	dst = append(dst, `":`...)
	switch column % 5 {
	case 0:
		dst = append(dst, `"text `...)
		dst = strconv.AppendInt(dst, rng.Int64N(100_000), 10)
		return append(dst, '"')
	case 1:
		return strconv.AppendInt(dst, rng.Int64N(1_000_000), 10)
	case 2:
		return appendFixed(dst, 2*rng.Int64N(500_000)+1, 3) // odd, so that there is always a fraction
	case 3:
		return strconv.AppendBool(dst, rng.IntN(2) == 0)
	}
	dst = append(dst, '"')
	dst = appendISO(dst, at)
	return append(dst, '"')
}
