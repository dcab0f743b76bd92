package gen

// segmentJSON writes a Segment track call a line, with the properties named as in CleverTap.
type segmentJSON struct {
	g    *generator
	keys *[numKeys]string
}

func (*segmentJSON) header(dst []byte) []byte { return dst }

func (s *segmentJSON) record(dst []byte, r *record) []byte {
	d := r.dev
	dst = append(dst, segmentHead...)
	dst = appendUUID(dst, s.g.ids)
	dst = append(dst, `","event":"`...)
	dst = append(dst, eventNames[r.event]...)
	if d.known {
		dst = append(dst, `","userId":"`...)
		dst = append(dst, d.user.id...)
	}
	if !r.deviceless() {
		dst = append(dst, `","anonymousId":"`...)
		dst = append(dst, d.id...)
	}
	dst = append(dst, `","timestamp":"`...)
	dst = appendISO(dst, r.at)
	dst = append(dst, `","context":{"app":{"version":"`...)
	dst = append(dst, releases[d.version]...)
	dst = append(dst, d.contextTail...)
	dst = appendProps(dst, r, s.keys, false, false)
	if group := r.group(); group != "" {
		dst = append(dst, `,"controlGroupName":"`...)
		dst = append(dst, group...)
		dst = append(dst, '"')
	}
	if r.hasSession() {
		dst = append(dst, ',')
		dst = appendProps(dst, r, s.keys, true, false)
	}
	return append(dst, "}}\n"...)
}

// segmentHead is how every Segment line begins, up to the messageId.
const segmentHead = `{"type":"track","messageId":"`

// deviceless reports whether CleverTap knows the event's user but no device: it went to an address.
func (r *record) deviceless() bool {
	if !r.dev.known || r.camp == nil {
		return false
	}
	switch r.event {
	case notificationSent, channelUnsubscribed, notificationReplied, replySent, webhookDelivered, controlGroup:
		return r.camp.channel == "Email" || r.camp.channel == "WhatsApp" || r.camp.channel == "Webhook"
	}
	return false
}

// hasSession reports whether there are session properties, which are always the last ones.
func (r *record) hasSession() bool {
	return len(r.props) > 0 && r.props[len(r.props)-1].key >= firstSession
}
