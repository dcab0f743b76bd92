package decode

import "github.com/tapline/tapline/schema"

// field is a key of a record itself that has a meaning.
type field uint8

// The fields of Segment's calls and CleverTap's records. The last ones are no scalars.
const (
	fType field = iota
	fEvent
	fMessageID
	fUserID
	fAnonymousID
	fGroupID
	fPreviousID
	fName
	fCategory
	fTimestamp
	fOriginalTimestamp
	fSentAt
	fReceivedAt
	fTS
	fControlGroup
	fieldCount // of scalars
	fProperties
	fTraits
	fContext
	fBatch
	fDeviceInfo
	fPlatform
	fProfile
	fIgnored
	fUnknown
)

// segmentField returns the meaning of a key of a Segment call.
func segmentField(key []byte) field {
	switch string(key) {
	case "type":
		return fType
	case "event":
		return fEvent
	case "messageId":
		return fMessageID
	case "userId":
		return fUserID
	case "anonymousId":
		return fAnonymousID
	case "groupId":
		return fGroupID
	case "previousId":
		return fPreviousID
	case "name":
		return fName
	case "category":
		return fCategory
	case "timestamp":
		return fTimestamp
	case "originalTimestamp":
		return fOriginalTimestamp
	case "sentAt":
		return fSentAt
	case "receivedAt":
		return fReceivedAt
	case "properties":
		return fProperties
	case "traits":
		return fTraits
	case "context":
		return fContext
	case "batch":
		return fBatch
	}
	return fUnknown
}

// Kinds of tokens that are no leaf.
const (
	null   schema.Kind = 100
	object schema.Kind = 101
)

// token is the value of a field; the zero token is an absent one.
type token struct {
	raw, text []byte // as in schema.Leaf
	bad       schema.Reason
	kind      schema.Kind
}

// token reads the value at b[i], as a member of the record itself, into t.
func (d *Decoder) token(b []byte, i int, t *token) int {
	t.bad = ""
	switch c := b[i]; {
	case c == '"':
		start := i + 1
		end := special(b, start)
		if end >= len(b) {
			return d.fail(faultSyntax)
		}
		t.text = b[start:end]
		if b[end] != '"' {
			if t.text, end, t.bad = d.unescape(b, start, end); end < 0 {
				return d.fail(faultSyntax)
			}
			t.text = Redact(t.text)
		}
		t.raw, t.kind = b[i:end+1], schema.String
		return end + 1
	case c == '{' || c == '[':
		t.kind = object
		if c == '[' {
			t.kind = schema.Array
		}
	case c == 'n':
		t.kind = null
	case c == 't' || c == 'f':
		t.kind = schema.Bool
	default:
		t.kind = schema.Number
	}
	end := d.skip(b, i, maxDepth-1)
	if end < 0 {
		return d.fail(faultSyntax)
	}
	t.raw, t.text = b[i:end], b[i:end]
	return end
}

// get returns the value of a field, or an absent one.
func (d *Decoder) get(f field) *token {
	t := &d.env[f]
	if d.seen&(1<<f) == 0 {
		*t = token{}
	}
	return t
}

// scan reads a whole record, without judging its values.
func (d *Decoder) scan(b []byte) fault {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return faultSyntax
	}
	if d.slow {
		if f := d.checkKeys(b, i+1); f != faultNone {
			return f
		}
	}
	serial := d.nextSerial()
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return atEnd(b, i+1)
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return faultSyntax
		}
		start := i + 1
		end := special(b, start)
		if end >= len(b) {
			return faultSyntax
		}
		key := b[start:end]
		if b[end] != '"' {
			if key, end, _ = d.unescape(b, start, end); end < 0 {
				return faultSyntax
			}
		}
		if i = colon(b, end+1); i < 0 {
			return faultSyntax
		}
		f := d.field(key)
		if f == fUnknown || d.opt.Kind == CleverTap { // whose fields have several names
			if !d.slow {
				if again := d.mark(key, serial); again != faultNone {
					return again
				}
			}
		} else if d.seen&(1<<f) != 0 {
			return faultSyntax
		}
		d.seen |= 1 << f
		if i = d.part(b, i, f); i < 0 {
			return d.fault
		}
		if i = space(b, i); i >= len(b) {
			return faultSyntax
		}
		if b[i] == '}' {
			return atEnd(b, i+1)
		}
		if b[i] != ',' {
			return faultSyntax
		}
		i = space(b, i+1)
	}
}

// maxMarkedKey is the longest key of an envelope that is remembered: what is remembered must stay small.
const maxMarkedKey = 128

// mark notices a key of the record itself that was met before. classify knows which fault comes first then.
func (d *Decoder) mark(key []byte, serial uint64) fault {
	if len(key) > maxMarkedKey {
		return faultSlow
	}
	p := d.top.Child(d.top.Root(schema.SectionProperty), key)
	switch {
	case !p.Interned():
		return faultSlow
	case p.Seen == serial:
		return faultSyntax
	}
	p.Seen = serial
	return faultNone
}

func (d *Decoder) field(key []byte) field {
	if d.opt.Kind == CleverTap {
		return cleverTapField(key)
	}
	return segmentField(key)
}

// part reads the value of one field.
func (d *Decoder) part(b []byte, i int, f field) int {
	switch f {
	case fProperties:
		return d.section(b, i, f, &d.props, d.root, asSent)
	case fTraits:
		return d.section(b, i, f, &d.traits, d.root, asSent)
	case fContext:
		return d.section(b, i, f, &d.context, d.paths.Root(schema.SectionContext), asSent)
	case fDeviceInfo:
		return d.section(b, i, f, &d.context, d.names.device, deviceInfo)
	case fProfile:
		return d.section(b, i, f, &d.context, d.names.traits, profile)
	case fPlatform:
		if b[i] == '{' { // belongs nowhere
			break
		}
		return d.member(b, i, child{path: d.names.osName, text: true}, 1, &d.context)
	case fBatch:
		if b[i] == '[' && !d.batch.inside {
			return d.fail(faultMany)
		}
	case fIgnored, fUnknown:
	default:
		return d.token(b, i, &d.env[f])
	}
	end := d.skip(b, i, maxDepth-1)
	if end < 0 {
		return d.fail(faultSyntax)
	}
	return end
}

// section reads the value of a field that must be an object, or null for none.
func (d *Decoder) section(b []byte, i int, f field, s *section, parent *schema.Path, m mapping) int {
	if b[i] == '{' {
		return d.object(b, i+1, parent, 2, s, m)
	}
	if b[i] != 'n' {
		d.wrong |= 1 << f
	}
	end := d.skip(b, i, maxDepth-1)
	if end < 0 {
		return d.fail(faultSyntax)
	}
	return end
}

// checkKeys looks for a repeated key of the record itself, however many keys there are.
func (d *Decoder) checkKeys(b []byte, i int) fault {
	members, end := d.members(b, i, maxDepth-1)
	if end < 0 || atEnd(b, end) != faultNone {
		return faultSyntax
	}
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		if seen[m.key] {
			return faultRepeat
		}
		seen[m.key] = true
	}
	return faultNone
}

// atEnd reports a fault if there is more than white space at b[i].
func atEnd(b []byte, i int) fault {
	if space(b, i) < len(b) {
		return faultSyntax
	}
	return faultNone
}
