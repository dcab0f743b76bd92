package decode

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/tapline/tapline/schema"
)

// maxNameLine is the longest first line of an export that is taken for the event's name, in bytes.
const maxNameLine = 512

// cleverTapField returns the meaning of a key of a CleverTap record or of a page of its API.
func cleverTapField(key []byte) field {
	switch string(key) {
	case "ts":
		return fTS
	case "eventName":
		return fEvent
	case "eventProps", "event_props":
		return fProperties
	case "session_props", "sessionProps":
		return fTraits
	case "controlGroupName":
		return fControlGroup
	case "platform":
		return fPlatform
	case "profile":
		return fProfile
	case "deviceInfo":
		return fDeviceInfo
	case "records":
		return fBatch
	}
	return fUnknown
}

func (d *Decoder) setUpCleverTap() error {
	switch {
	case d.opt.Location == nil:
		return errors.New("no time zone: set timezone to the project's, such as Asia/Kolkata")
	case d.opt.Account == "":
		return errors.New("no account: set account to the project's account id; events get their ids from it")
	}
	switch d.opt.UserIdentity {
	case "":
		d.opt.UserIdentity = "identity"
	case "identity", "email", "phone", "clevertap_id":
	default:
		return fmt.Errorf("user_identity %q: use identity, email, phone or clevertap_id", d.opt.UserIdentity)
	}
	if d.opt.FoldEvent == nil {
		d.opt.FoldEvent = schema.FoldEvent
	}
	d.names = newNames(d.paths)
	d.clock = clock{loc: d.opt.Location, hour: -1}
	d.event = []byte(d.opt.EventName)
	return nil
}

// nameLine takes the first line of an export for the event's name if it is nothing else: bare text or a JSON string
// (rule 26). It reports whether it did.
func (d *Decoder) nameLine(line []byte) bool {
	text := bytes.TrimSpace(line)
	if len(text) == 0 || len(text) > maxNameLine || !utf8.Valid(text) {
		return false
	}
	if text[0] == '"' {
		name, end, bad := d.unescape(text, 1, special(text, 1))
		if end != len(text)-1 || bad != "" || isBlank(name) {
			return false
		}
		d.event = bytes.Clone(name)
		return true
	}
	if bytes.ContainsAny(text, `{}[]<>"\`) || bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
		return false
	}
	d.event = bytes.Clone(text)
	return true
}

// finishCleverTap judges the scanned CleverTap record in the order of rule 18 and fills ev: a track event.
func (d *Decoder) finishCleverTap(ev *schema.Event) {
	ev.Call = schema.Track
	d.props.leaves = append(d.props.leaves, d.traits.leaves...) // session properties
	dates(d.props.leaves)
	dates(d.context.leaves)
	w := d.who()
	if r, detail := d.users(ev, &w); r != "" {
		d.countTwin(ev, &w)
		quarantine(ev, r, detail)
		return
	}
	ev.Name = d.event
	if t := d.get(fEvent); len(d.event) == 0 || (t.kind != 0 && t.kind != null) {
		if r, detail := eventName(t); r != "" {
			d.countTwin(ev, &w)
			quarantine(ev, r, detail)
			return
		}
		ev.Name = t.text
	}
	switch {
	case d.wrong&(1<<fProperties|1<<fTraits) != 0:
		quarantine(ev, schema.InvalidProperties, "event or session properties are not an object")
		return
	case d.wrong&(1<<fProfile|1<<fDeviceInfo) != 0:
		quarantine(ev, schema.InvalidContext, "profile or deviceInfo is not an object")
		return
	}
	ev.Discards = append(ev.Discards, d.props.lost...)
	ev.Discards = append(ev.Discards, d.traits.lost...)
	ev.Discards = append(ev.Discards, d.context.lost...)
	d.timestamp(ev)
	ev.ID = d.makeID(ev, "ct_", d.digest(ev.Name, &w))
	d.controlGroup(ev)
	ev.Properties, ev.Context = d.props.leaves, d.context.leaves
}

// countTwin counts a record that other settings would take, as if it were taken: the ids of its equals must not depend on
// settings, and it may come in itself one day.
func (d *Decoder) countTwin(ev *schema.Event, w *who) {
	if d.wrong&(1<<fProperties|1<<fTraits) != 0 {
		return
	}
	name := d.event
	if t := d.get(fEvent); t.kind != 0 && t.kind != null {
		name = t.text
	}
	d.makeID(ev, "ct_", d.digest(name, w))
}

// controlGroup adds controlGroupName to the properties. It is no part of the record's digest.
func (d *Decoder) controlGroup(ev *schema.Event) {
	t := d.get(fControlGroup)
	switch t.kind {
	case 0, null:
	case object:
		ev.Discards = append(ev.Discards, schema.Discard{
			Column: d.names.controlGroup.Column, Raw: Redact(t.raw), Reason: schema.TypeMismatch,
		})
	default:
		l := d.props.leaf()
		*l = schema.Leaf{Path: d.names.controlGroup, Raw: t.raw, Text: t.text, Kind: t.kind, Bad: t.bad}
	}
}

// dates turns CleverTap's date literals into instants.
func dates(leaves []schema.Leaf) {
	for i := range leaves {
		l := &leaves[i]
		n := len(l.Text)
		if l.Kind != schema.String || n < 4 || n > 15 || string(l.Text[:3]) != "$D_" || digits(l.Text, 3) != n {
			continue
		}
		l.Kind, l.Time = schema.Time, schema.Micros(decimal(l.Text[3:])*second)
	}
}

// who are the values that name a record's user.
type who struct {
	objectID, clevertapID, identity, identities, email, phone, pushToken *schema.Leaf
}

func (d *Decoder) who() (w who) {
	n := d.names
	for i := range d.context.leaves {
		switch l := &d.context.leaves[i]; l.Path {
		case n.objectID:
			first(&w.objectID, l)
		case n.identity:
			first(&w.identity, l)
		case n.identities:
			first(&w.identities, l)
		case n.email:
			first(&w.email, l)
		case n.phone:
			first(&w.phone, l)
		case n.pushToken:
			first(&w.pushToken, l)
		}
	}
	for i := range d.props.leaves {
		if l := &d.props.leaves[i]; l.Path == n.clevertapID || l.Path == n.clevertapIDSpaced {
			first(&w.clevertapID, l)
		}
	}
	return w
}

// first keeps the first leaf that is not the empty string.
func first(to **schema.Leaf, l *schema.Leaf) {
	if *to == nil && len(l.Text) > 0 {
		*to = l
	}
}

// users fills the ids of the user by rule 22.
func (d *Decoder) users(ev *schema.Event, w *who) (r schema.Reason, detail string) {
	device := w.objectID
	if device == nil {
		device = w.clevertapID
	}
	if ev.AnonymousID, r = userText(device, schema.InvalidAnonymousID); r != "" {
		return r, "CleverTap id"
	}
	chosen := w.identity
	switch d.opt.UserIdentity {
	case "email":
		chosen = w.email
	case "phone":
		chosen = w.phone
	case "clevertap_id":
		chosen = device
	}
	if ev.UserID, r = userText(chosen, schema.InvalidUserID); r != "" {
		return r, d.opt.UserIdentity
	}
	if chosen == w.identity {
		ev.UserID = firstOf(ev.UserID)
	}
	if ev.AnonymousID == nil {
		token, r := userText(w.pushToken, schema.InvalidAnonymousID)
		if r != "" {
			return r, "push_token"
		}
		if token != nil {
			ev.AnonymousID = d.hexID("push_", sha256.Sum256(token))
		}
	}
	if ev.UserID != nil || ev.AnonymousID != nil {
		return "", ""
	}
	if ev.UserID = d.anyIdentity(w.identities); ev.UserID != nil {
		return "", ""
	}
	for _, l := range [...]*schema.Leaf{w.email, w.phone} {
		if ev.UserID, r = userText(l, schema.InvalidUserID); r != "" || ev.UserID != nil {
			return r, "email or phone"
		}
	}
	return schema.NoUserAnonID, "neither an identity nor a CleverTap id, push token, email or phone"
}

// userText returns the text of a value that is to be an id, nil for none.
func userText(l *schema.Leaf, invalid schema.Reason) ([]byte, schema.Reason) {
	switch {
	case l == nil:
		return nil, ""
	case l.Bad != "":
		return nil, l.Bad
	case l.Raw[0] == '"':
		return l.Text, ""
	case (l.Kind == schema.Number || l.Kind == schema.String) && isInteger(l.Raw):
		return l.Raw, ""
	}
	return nil, invalid
}

// firstOf returns the first of several ids joined by commas, nil if there is none.
func firstOf(ids []byte) []byte {
	for len(ids) > 0 {
		id, rest, _ := bytes.Cut(ids, []byte{','})
		if id = bytes.TrimSpace(id); len(id) > 0 {
			return id
		}
		ids = rest
	}
	return nil
}

// anyIdentity returns the first of all_identities: an array of strings, or, in CSV, [a, b].
func (d *Decoder) anyIdentity(l *schema.Leaf) []byte {
	switch {
	case l == nil || l.Bad != "":
		return nil
	case l.Kind == schema.String:
		return firstOf(bytes.TrimSuffix(bytes.TrimPrefix(bytes.TrimSpace(l.Text), []byte("[")), []byte("]")))
	case l.Kind != schema.Array:
		return nil
	}
	for i := space(l.Raw, 1); l.Raw[i] != ']'; {
		var t token
		end := d.token(l.Raw, i, &t)
		if end < 0 {
			return nil
		}
		if id, r := identifier(&t, schema.InvalidUserID); r == "" && id != nil {
			return id
		}
		if i = space(l.Raw, end); l.Raw[i] == ',' {
			i = space(l.Raw, i+1)
		}
	}
	return nil
}
