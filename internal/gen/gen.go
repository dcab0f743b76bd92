package gen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/tapline/tapline/schema"
)

// flushAt is how many bytes are collected before they are written.
const flushAt = 256 << 10

// Write makes o.Events records and writes them to w.
func Write(w io.Writer, o Options) (Stats, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Stats{}, err
	}
	if o.Tables > 0 {
		return writeWide(w, o)
	}
	g := newGenerator(o)
	used, err := survey(o)
	if err != nil {
		return Stats{}, err
	}
	out := newOutput(w, newEncoder(g, used, numEvents))
	if err := g.encode(func(event) (*output, error) { return out, nil }); err != nil {
		return out.stats, err
	}
	return out.stats, out.flush()
}

// WriteFiles makes o.Events records and writes each event's to a file of its own, as CleverTap's exports do. create
// opens the file for an event's name; it is called once for each event that happens.
func WriteFiles(o Options, create func(event string) (io.WriteCloser, error)) (Stats, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Stats{}, err
	}
	if o.Tables > 0 {
		return Stats{}, fmt.Errorf("wide tables are written as one file")
	}
	g := newGenerator(o)
	used, err := survey(o)
	if err != nil {
		return Stats{}, err
	}
	var files [numEvents]*output
	var opened []io.Closer
	err = g.encode(func(e event) (*output, error) {
		if files[e] == nil {
			f, err := create(eventNames[e])
			if err != nil {
				return nil, fmt.Errorf("create file of %s: %w", eventNames[e], err)
			}
			opened = append(opened, f)
			files[e] = newOutput(f, newEncoder(g, used, e))
		}
		return files[e], nil
	})
	total := newStats()
	for _, out := range files {
		if out != nil {
			err = errors.Join(err, out.flush())
			total.add(&out.stats)
		}
	}
	for _, f := range opened {
		err = errors.Join(err, f.Close())
	}
	return total, err
}

// generator makes records one after the other. Two random streams keep what happens apart from how it is written
// down, so that the survey for a CSV header sees the same events.
type generator struct {
	opts     Options
	rng, ids *rand.Rand
	clock    *clock
	world    *world
	products []product

	queue  []plan // plans of the scene being played, from next on still to come
	next   int
	scene  int64
	serial int64 // of messages and orders
	made   int64 // records so far
	clean  int64 // of them neither hostile nor repeated
	rec    record
}

func newGenerator(o Options) *generator {
	rng := rand.New(rand.NewPCG(o.Seed, 0x7461706c696e65))
	return &generator{
		opts: o, rng: rng, ids: rand.New(rand.NewPCG(o.Seed, 0x6d657373616765)),
		clock: newClock(&o), world: newWorld(rng, o.Users), products: products(),
	}
}

// role is what a record is there for.
type role uint8

const (
	roleClean role = iota
	roleHostile
	roleRepeat // of an earlier clean one; it has no record of its own
)

// each calls visit for every record in order. The record is valid until the next one.
func (g *generator) each(visit func(role, *record) error) error {
	for ; g.made < g.opts.Events; g.made++ {
		n := g.made + 1
		if d := g.opts.Duplicates; d > 0 && n%d == 0 && g.clean > 0 {
			if err := visit(roleRepeat, nil); err != nil {
				return err
			}
			continue
		}
		if err := g.advance(); err != nil {
			return err
		}
		what := roleClean
		if h := g.opts.Hostile; h > 0 && n%h == 0 {
			what = roleHostile
		} else {
			g.clean++
		}
		if err := visit(what, &g.rec); err != nil {
			return err
		}
	}
	return nil
}

// maxBarren is how many scenes may go by without the one event that is wanted.
const maxBarren = 1_000_000

// advance fills g.rec with the next event.
func (g *generator) advance() error {
	for begun := g.scene; ; {
		for g.next == len(g.queue) {
			if g.scene-begun > maxBarren {
				return fmt.Errorf("event %q does not happen any more", g.opts.Only)
			}
			g.queue, g.next = g.queue[:0], 0
			g.play()
		}
		p := g.queue[g.next]
		g.next++
		if p.login {
			p.dev.known = true
		}
		if g.opts.Only != "" && eventNames[p.event] != g.opts.Only {
			continue
		}
		g.rec.reset(p)
		g.fill(&g.rec)
		return nil
	}
}

// encode makes all records. dest is asked for each record where its line goes.
func (g *generator) encode(dest func(event) (*output, error)) error {
	odd := newHostility(g.opts.Kind)
	var past memory
	return g.each(func(what role, r *record) error {
		if what == roleRepeat {
			old := past.pick(g.ids)
			out, err := dest(old.event)
			if err != nil {
				return err
			}
			return out.repeat(old, g.opts.Kind)
		}
		out, err := dest(r.event)
		if err != nil {
			return err
		}
		start := len(out.buf)
		out.buf = out.enc.record(out.buf, r)
		if what == roleHostile {
			bad := odd.spoil(bytes.Clone(out.buf[start:]), r)
			out.buf = out.buf[:start]
			return out.hostile(bad)
		}
		if g.opts.Duplicates > 0 {
			past.keep(r.event, out.buf[start:])
		}
		out.rows[r.event]++
		return out.done()
	})
}

// memory keeps the last clean lines, so that one of them can be repeated.
type memory struct {
	lines [64]pastLine
	count int
}

type pastLine struct {
	event event
	bytes []byte
}

func (m *memory) keep(e event, line []byte) {
	slot := &m.lines[m.count%len(m.lines)]
	slot.event, slot.bytes = e, append(slot.bytes[:0], line...)
	m.count++
}

func (m *memory) pick(rng *rand.Rand) *pastLine {
	return &m.lines[rng.IntN(min(m.count, len(m.lines)))]
}

// output is one file being written, and the count of what is in it.
type output struct {
	w     io.Writer
	enc   encoder
	buf   []byte
	stats Stats
	rows  [numEvents]int64 // of clean records; moved to stats when they are written
}

func newOutput(w io.Writer, enc encoder) *output {
	return &output{w: w, enc: enc, buf: enc.header(nil), stats: newStats()}
}

func newStats() Stats {
	return Stats{
		Rows: map[string]int64{}, Quarantined: map[schema.Reason]int64{}, Discarded: map[schema.Reason]int64{},
	}
}

func (s *Stats) add(t *Stats) {
	s.Records, s.Bytes, s.Repeats = s.Records+t.Records, s.Bytes+t.Bytes, s.Repeats+t.Repeats
	for name, n := range t.Rows {
		s.Rows[name] += n
	}
	for reason, n := range t.Quarantined {
		s.Quarantined[reason] += n
	}
	for reason, n := range t.Discarded {
		s.Discarded[reason] += n
	}
}

func (o *output) repeat(old *pastLine, k Kind) error {
	o.buf = append(o.buf, old.bytes...)
	if k == Segment || k == SegmentCSV {
		o.stats.Repeats++
	} else {
		o.stats.Rows[eventNames[old.event]]++
	}
	return o.done()
}

func (o *output) hostile(s spoiled) error {
	o.buf = append(o.buf, s.line...)
	if s.quarantined != "" {
		o.stats.Quarantined[s.quarantined]++
	} else {
		o.stats.Rows[s.event]++
	}
	if s.discarded != "" {
		o.stats.Discarded[s.discarded]++
	}
	return o.done()
}

// done counts a record whose line is in the buffer.
func (o *output) done() error {
	o.stats.Records++
	if len(o.buf) < flushAt {
		return nil
	}
	return o.flush()
}

func (o *output) flush() error {
	for e, n := range o.rows {
		if n > 0 {
			o.stats.Rows[eventNames[e]] += n
		}
	}
	clear(o.rows[:])
	n, err := o.w.Write(o.buf)
	o.stats.Bytes += int64(n)
	o.buf = o.buf[:0]
	if err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}
