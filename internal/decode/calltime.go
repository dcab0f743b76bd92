package decode

import "github.com/tapline/tapline/schema"

// Instants that a timestamptz column shows with a year of four digits.
const (
	minTime schema.Micros = -62_135_596_800_000_000
	maxTime schema.Micros = 253_402_300_799_999_999
)

// times fills the instants of a Segment call (rule 13).
func (d *Decoder) times(ev *schema.Event) {
	ev.SentAt, _ = d.instant(ev, fSentAt, "sent_at")
	ev.ReceivedAt, _ = d.instant(ev, fReceivedAt, "received_at")
	if ev.ReceivedAt == schema.NoTime {
		ev.ReceivedAt = d.opt.Arrival
	}
	original, sent := d.instant(ev, fOriginalTimestamp, "original_timestamp")
	if !sent {
		original, _ = d.instant(ev, fTimestamp, "original_timestamp")
		ev.OriginalTimestamp, ev.Timestamp = original, corrected(ev, original)
		return
	}
	ev.OriginalTimestamp = original
	if ev.Timestamp, _ = d.instant(ev, fTimestamp, "timestamp"); ev.Timestamp == schema.NoTime {
		ev.Timestamp = corrected(ev, original)
	}
}

// corrected returns the instant on the receiver's clock: receivedAt - (sentAt - original), if all of them are known.
func corrected(ev *schema.Event, original schema.Micros) schema.Micros {
	if original == schema.NoTime || ev.SentAt == schema.NoTime || ev.ReceivedAt == schema.NoTime {
		return original
	}
	at := ev.ReceivedAt - (ev.SentAt - original)
	if at < minTime || at > maxTime {
		return original
	}
	return at
}

// instant reads a time of the envelope, and reports whether there was a value at all. An invalid one goes to discards.
func (d *Decoder) instant(ev *schema.Event, f field, column string) (schema.Micros, bool) {
	t := d.get(f)
	if t.kind == 0 || t.kind == null {
		return schema.NoTime, false
	}
	if (t.kind == schema.String && t.bad == "") || t.kind == schema.Number {
		if at, ok := ParseTime(t.text, t.kind == schema.Number); ok {
			return at, true
		}
	}
	ev.Discards = append(ev.Discards, schema.Discard{Column: column, Raw: Redact(t.raw), Reason: schema.InvalidTimestamp})
	return schema.NoTime, true
}
