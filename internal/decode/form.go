package decode

import (
	"bytes"
	"encoding/json"

	"github.com/tapline/tapline/schema"
)

// Form is what has to be known to read a record again without what stood around it.
type Form struct {
	Kind string `json:"kind"` // as Kind.String has it
	// Header are the columns of its CSV.
	Header []string `json:"header,omitempty"`
	// Event is the event that the first line of its file, or a setting, gave to records that do not name theirs.
	Event string `json:"event,omitempty"`
	// Batch is what its batch says for all of its records, as a JSON object without them.
	Batch json.RawMessage `json:"batch,omitempty"`
	// Index is which of the batch's records it is, counted from 1.
	Index int `json:"index,omitempty"`
	// Arrived is when it came in at the HTTP door, in microseconds since 1970, and Call what the path said it is.
	Arrived schema.Micros `json:"arrived,omitempty"`
	Call    schema.Call   `json:"call,omitempty"`
}

// Form returns the form of the record that was decoded last.
func (d *Decoder) Form() Form {
	f := Form{Kind: d.opt.Kind.String(), Event: string(d.event), Batch: d.sharedText(), Call: d.call}
	if d.opt.Arrival != schema.NoTime {
		f.Arrived = d.opt.Arrival
	}
	if f.Batch != nil {
		f.Index = d.batch.index
	}
	return f
}

// Form returns the form of the record that was decoded last.
func (c *CSV) Form(header []string) Form {
	return Form{Kind: c.d.opt.Kind.String(), Header: header, Event: string(c.d.event)}
}

// InBatch reports whether the event that was decoded last is one of a line that may hold several.
func (d *Decoder) InBatch() bool { return d.batch.rest != nil }

// sharedText is what the current record's batch says for all, nil if there is no batch. Write keys are masked.
func (d *Decoder) sharedText() json.RawMessage {
	if d.batch.rest == nil {
		return nil
	}
	if d.batch.shared != nil {
		return d.batch.shared
	}
	out := []byte{'{'}
	if d.opt.Kind == Segment && !d.batch.contextTooLarge {
		members, _ := d.members(d.batch.line, space(d.batch.line, 0)+1, len(d.batch.line))
		for _, m := range members {
			switch m.key {
			case "sentAt", "receivedAt", "context":
				if len(out) > 1 {
					out = append(out, ',')
				}
				out = append(append(append(append(out, '"'), m.key...), `":`...), d.batch.line[m.start:m.end]...)
			}
		}
	}
	d.batch.shared = bytes.Clone(Redact(append(out, '}')))
	return d.batch.shared
}

// Rejoin returns the line of a batch that holds one record alone.
func Rejoin(shared json.RawMessage, kind Kind, record []byte) []byte {
	key := `{"batch":[`
	if kind == CleverTap {
		key = `{"records":[`
	}
	// No record is shorter beside its values: what was within the limit of one event still is.
	line := append(append([]byte(key), record...), ']')
	rest := bytes.TrimPrefix(bytes.TrimSpace(shared), []byte{'{'})
	if len(rest) > 1 {
		line = append(line, ',')
	}
	return append(line, rest...)
}

// KindOf returns the kind of that name, 0 if there is none.
func KindOf(name string) Kind {
	for _, k := range []Kind{Segment, CleverTap, SegmentCSV, CleverTapCSV} {
		if k.String() == name {
			return k
		}
	}
	return 0
}
