package decode

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/tapline/tapline/schema"
)

// batch is the state of a line that holds several records: the body of a request to Segment's batch endpoint, or a
// page of CleverTap's API.
type batch struct {
	line   []byte
	rest   []byte // from the next record on; nil if there is no batch
	inside bool   // the current record is part of one
	index  int    // of the current record, counted from 1
	shared []byte // what it says for all, as text; nil until somebody asks

	context          section // of the batch, below each record's own
	contextWrong     bool
	contextTooLarge  bool
	sentAt, received token
}

// startBatch decodes the first record of a line that holds several. If line is no batch, or cannot be read as one, it
// is one record that cannot be loaded.
func (d *Decoder) startBatch(line []byte, ev *schema.Event) bool {
	d.begin(line, ev)
	reason, detail := d.openBatch(line)
	if reason == "" {
		return d.Next(ev)
	}
	d.begin(line, ev)
	if len(line) > MaxEvent {
		TooLarge(ev, line, int64(len(line)), sha256.Sum256(line))
		ev.Detail = detail
		return true
	}
	quarantine(ev, reason, detail)
	return true
}

// openBatch checks the whole line and keeps what its records share. Records are checked as JSON here, because a line
// that is cut in its last record is no batch at all, and decoded one by one by Next.
func (d *Decoder) openBatch(line []byte) (schema.Reason, string) {
	d.batch = batch{line: line, context: d.batch.context}
	d.batch.context.reset()
	i := space(line, 0)
	if i == len(line) || line[i] != '{' {
		return schema.EventTooLarge, fmt.Sprintf("%d bytes, %d are allowed", len(line), MaxEvent)
	}
	if d.opt.Kind == Segment && len(line) > MaxBatch {
		return schema.EventTooLarge, fmt.Sprintf("%d bytes, %d are allowed for a batch", len(line), MaxBatch)
	}
	members, end := d.members(line, i+1, len(line))
	if end < 0 || atEnd(line, end) != faultNone {
		return schema.InvalidJSON, "not valid JSON"
	}
	records := -1
	seen := make(map[string]bool, len(members))
	for n, m := range members {
		if seen[m.key] {
			return schema.DuplicateKey, "a key of the batch itself is repeated"
		}
		seen[m.key] = true
		if d.field([]byte(m.key)) == fBatch && line[m.start] == '[' {
			records = n
		}
	}
	if records < 0 {
		return schema.EventTooLarge, fmt.Sprintf("%d bytes, %d are allowed", len(line), MaxEvent)
	}
	m := members[records]
	if !utf8.Valid(line[:m.start]) || !utf8.Valid(line[m.end:]) {
		return schema.InvalidUTF8, ""
	}
	d.shared(line, members)
	d.keep = len(d.scratch)
	d.batch.rest = line[m.start+1 : m.end]
	return "", ""
}

// shared reads what a batch of Segment calls says for all of them.
func (d *Decoder) shared(line []byte, members []slowMember) {
	if d.opt.Kind != Segment {
		return
	}
	for _, m := range members {
		switch m.key {
		case "sentAt":
			d.token(line, m.start, &d.batch.sentAt)
		case "receivedAt":
			d.token(line, m.start, &d.batch.received)
		case "context":
			d.batch.contextTooLarge = m.end-m.start > MaxEvent
			if line[m.start] != '{' {
				d.batch.contextWrong = line[m.start] != 'n'
				continue
			}
			if !d.batch.contextTooLarge {
				d.slow = true
				root := d.paths.Root(schema.SectionContext)
				d.batch.contextWrong = d.object(line, m.start+1, root, 2, &d.batch.context, asSent) < 0
				d.slow = false
			}
		}
	}
}

// Next decodes the next record of the line given to Line, and reports whether there was one.
func (d *Decoder) Next(ev *schema.Event) bool {
	i := space(d.batch.rest, 0)
	if i == len(d.batch.rest) || d.batch.rest[i] == ']' {
		d.batch.rest = nil
		return false
	}
	end := d.skip(d.batch.rest, i, len(d.batch.rest))
	raw := d.batch.rest[i:end]
	end = space(d.batch.rest, end)
	if d.batch.rest[end] == ',' {
		end++
	}
	d.batch.rest = d.batch.rest[end:]
	d.batch.index++
	d.batch.inside = true
	d.record(raw, ev)
	d.batch.inside = false
	return true
}

// shareWith gives the current record what its batch says for all, where it says nothing itself.
func (d *Decoder) shareWith() (schema.Reason, string) {
	b := &d.batch
	switch {
	case b.contextWrong:
		return schema.InvalidContext, "context of the batch cannot be used"
	case b.contextTooLarge:
		return schema.EventTooLarge, "context of the batch is over the limit of one event"
	}
	d.share(fSentAt, &b.sentAt)
	d.share(fReceivedAt, &b.received)
	own := len(d.context.leaves)
	for i := range b.context.leaves {
		shared := &b.context.leaves[i]
		if !slices.ContainsFunc(d.context.leaves[:own], func(l schema.Leaf) bool { return samePath(l.Path, shared.Path) }) {
			d.context.leaves = append(d.context.leaves, *shared)
		}
	}
	d.context.lost = append(d.context.lost, b.context.lost...)
	return "", ""
}

func (d *Decoder) share(f field, t *token) {
	if own := d.get(f); own.kind == 0 || own.kind == null {
		*own = *t
		d.seen |= 1 << f
	}
}

func samePath(a, b *schema.Path) bool {
	if a == b {
		return true
	}
	return !a.Interned() && !b.Interned() && a.Column == b.Column && slices.Equal(a.Keys(), b.Keys())
}
