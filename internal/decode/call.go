package decode

import (
	"unicode/utf8"

	"github.com/tapline/tapline/schema"
)

// maxMessageID is the longest messageId, in characters (rule 14).
const maxMessageID = 100

// finishCall judges the scanned Segment call in the order of rule 18 and fills ev.
func (d *Decoder) finishCall(ev *schema.Event) {
	if r, detail := d.callType(ev); r != "" {
		quarantine(ev, r, detail)
		return
	}
	if r, detail := d.identifiers(ev); r != "" {
		quarantine(ev, r, detail)
		return
	}
	if ev.Call == schema.Track {
		t := d.get(fEvent)
		if r, detail := eventName(t); r != "" {
			quarantine(ev, r, detail)
			return
		}
		ev.Name = t.text
	}
	if r, detail := d.sections(ev); r != "" {
		quarantine(ev, r, detail)
		return
	}
	d.extras(ev)
	d.times(ev)
	if ev.ID == nil {
		ev.ID = d.makeID(ev, "ln_", d.opt.Digest(ev.Raw))
	}
}

func (d *Decoder) callType(ev *schema.Event) (schema.Reason, string) {
	t := d.get(fType)
	switch {
	case (t.kind == 0 || t.kind == null) && d.call != 0 && !d.batch.inside:
		ev.Call = d.call
		return "", ""
	case t.kind == 0 || t.kind == null:
		return schema.MissingType, "no type"
	case t.kind != schema.String:
		return schema.UnknownType, "type is not a string"
	}
	switch string(t.text) {
	case "track":
		ev.Call = schema.Track
	case "identify":
		ev.Call = schema.Identify
	case "page":
		ev.Call = schema.Page
	case "screen":
		ev.Call = schema.Screen
	case "group":
		ev.Call = schema.Group
	case "alias":
		ev.Call = schema.Alias
	default:
		return schema.UnknownType, "type is none of track, identify, page, screen, group, alias"
	}
	return "", ""
}

func (d *Decoder) identifiers(ev *schema.Event) (r schema.Reason, detail string) {
	if ev.ID, r = identifier(d.get(fMessageID), schema.InvalidMessageID); r != "" {
		if r == schema.NULCharacter {
			r = schema.InvalidMessageID
		}
		return r, "messageId"
	}
	if len(ev.ID) > maxMessageID && utf8.RuneCount(ev.ID) > maxMessageID {
		return schema.MessageIDTooLong, "messageId has more than 100 characters"
	}
	if ev.UserID, r = identifier(d.get(fUserID), schema.InvalidUserID); r != "" {
		return r, "userId"
	}
	if ev.AnonymousID, r = identifier(d.get(fAnonymousID), schema.InvalidAnonymousID); r != "" {
		return r, "anonymousId"
	}
	if ev.UserID == nil && ev.AnonymousID == nil {
		return schema.NoUserAnonID, "neither userId nor anonymousId"
	}
	return "", ""
}

// identifier returns the text of an id: a string or an integer as sent, nil for none. Anything else is invalid.
func identifier(t *token, invalid schema.Reason) ([]byte, schema.Reason) {
	switch t.kind {
	case 0, null:
		return nil, ""
	case schema.String:
		if t.bad != "" {
			return nil, t.bad
		}
		if len(t.text) == 0 {
			return nil, ""
		}
		return t.text, ""
	case schema.Number:
		if isInteger(t.text) {
			return t.text, ""
		}
	}
	return nil, invalid
}

// isInteger reports whether a JSON number has neither fraction nor exponent.
func isInteger(literal []byte) bool {
	for _, c := range literal {
		if c != '-' && !isDigit(c) {
			return false
		}
	}
	return len(literal) > 0
}

// eventName judges the name of a track event.
func eventName(t *token) (schema.Reason, string) {
	switch {
	case t.kind == 0 || t.kind == null:
		return schema.MissingEvent, "no event"
	case t.kind != schema.String:
		return schema.InvalidEvent, "event is not a string"
	case t.bad != "":
		return t.bad, "event"
	case isBlank(t.text):
		return schema.MissingEvent, "event is blank"
	}
	return "", ""
}

// sections gives ev the properties (or traits) and the context.
func (d *Decoder) sections(ev *schema.Event) (schema.Reason, string) {
	takesTraits := ev.Call == schema.Identify || ev.Call == schema.Group
	switch {
	case d.wrong&(1<<fProperties) != 0:
		return schema.InvalidProperties, "properties is not an object"
	case takesTraits && d.wrong&(1<<fTraits) != 0:
		return schema.InvalidProperties, "traits is not an object"
	case d.wrong&(1<<fContext) != 0:
		return schema.InvalidContext, "context is not an object"
	}
	if d.batch.inside {
		if r, detail := d.shareWith(); r != "" {
			return r, detail
		}
	}
	if takesTraits {
		d.traits.leaves = append(d.traits.leaves, d.props.leaves...)
		ev.Properties = d.traits.leaves
		ev.Discards = append(ev.Discards, d.traits.lost...)
	} else {
		ev.Properties = d.props.leaves
	}
	ev.Discards = append(ev.Discards, d.props.lost...)
	ev.Discards = append(ev.Discards, d.context.lost...)
	ev.Context = d.context.leaves
	return "", ""
}

// extras fills what only some calls have.
func (d *Decoder) extras(ev *schema.Event) {
	switch ev.Call {
	case schema.Group:
		ev.GroupID = d.extra(ev, fGroupID, "group_id")
	case schema.Alias:
		ev.PreviousID = d.extra(ev, fPreviousID, "previous_id")
	case schema.Page, schema.Screen:
		ev.PageName = d.extra(ev, fName, "name")
		ev.Category = d.extra(ev, fCategory, "category")
	}
}

// extra returns a value for a text column of the envelope. Scalars are stored as their literal; what cannot be goes to
// discards. The empty string counts as absent for ids.
func (d *Decoder) extra(ev *schema.Event, f field, column string) []byte {
	t := d.get(f)
	var reason schema.Reason
	switch {
	case t.kind == 0 || t.kind == null:
		return nil
	case t.kind == schema.Array || t.kind == object:
		reason = schema.TypeMismatch
	case t.bad != "":
		reason = t.bad
	case len(t.text) == 0 && (f == fGroupID || f == fPreviousID):
		return nil
	default:
		return t.text
	}
	ev.Discards = append(ev.Discards, schema.Discard{Column: column, Raw: Redact(t.raw), Reason: reason})
	return nil
}
