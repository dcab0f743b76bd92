package gen

// cleverTapJSON writes an event a line, as CleverTap's JSON exports do. Times are local, without a zone.
type cleverTapJSON struct {
	g    *generator
	keys *[numKeys]string
}

func (*cleverTapJSON) header(dst []byte) []byte { return dst }

func (c *cleverTapJSON) record(dst []byte, r *record) []byte {
	dst = append(dst, `{"ts":`...)
	dst = appendStamp(dst, c.g.clock.local(r.at))
	dst = append(dst, `,"eventName":"`...)
	dst = append(dst, eventNames[r.event]...)
	dst = append(dst, `","profile":{`...)
	dst = appendProfile(dst, r)
	dst = append(dst, `},"deviceInfo":{`...)
	dst = appendDeviceInfo(dst, r.dev)
	dst = append(dst, '}')
	if r.event == controlGroup {
		dst = append(dst, `,"controlGroupName":"`...)
		dst = append(dst, r.group()...)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"eventProps":{`...)
	dst = appendProps(dst, r, c.keys, false, true)
	if r.hasSession() {
		dst = append(dst, `},"session_props":{`...)
		dst = appendProps(dst, r, c.keys, true, true)
	}
	return append(dst, "}}\n"...)
}

// namesDevice reports whether the export names the device's CleverTap ID: by default it does not.
func (r *record) namesDevice() bool { return !r.dev.hidden && !r.deviceless() }

func appendProfile(dst []byte, r *record) []byte {
	d, u := r.dev, r.dev.user
	if d.known {
		dst = append(dst, `"identity":"`...)
		dst = append(dst, u.id...)
		dst = append(dst, `","all_identities":["`...)
		dst = append(dst, u.id...)
		dst = append(dst, `","`...)
		dst = append(dst, u.email...)
		dst = append(dst, `"],"phone":`...)
		dst = append(dst, u.phone[1:]...)
		dst = append(dst, `,"name":"`...)
		dst = append(dst, u.name...)
		dst = append(dst, `","email":"`...)
		dst = append(dst, u.email...)
		dst = append(dst, `",`...)
	}
	if r.namesDevice() {
		dst = append(dst, `"objectId":"`...)
		dst = append(dst, d.id...)
		dst = append(dst, `",`...)
	}
	if d.token != "" && !r.deviceless() {
		dst = append(dst, `"push_token":"`...)
		dst = append(dst, d.token...)
		dst = append(dst, `",`...)
	}
	dst = append(dst, `"platform":"`...)
	dst = append(dst, d.platform...)
	return append(dst, '"')
}

func appendDeviceInfo(dst []byte, d *device) []byte {
	if d.platform == "Web" {
		dst = append(dst, `"browser":"`...)
		dst = append(dst, d.browser...)
	} else {
		dst = append(dst, `"make":"`...)
		dst = append(dst, d.brand...)
		dst = append(dst, `","model":"`...)
		dst = append(dst, d.model...)
	}
	dst = append(dst, `","appVersion":"`...)
	dst = append(dst, releases[d.version]...)
	dst = append(dst, `","sdkVersion":"`...)
	dst = append(dst, d.sdk...)
	dst = append(dst, `","osVersion":"`...)
	dst = append(dst, d.osVersion...)
	dst = append(dst, `","dpi":`...)
	dst = appendFixed(dst, d.dpi, 0)
	dst = append(dst, `,"dimensions":{"width":`...)
	dst = appendFixed(dst, d.width, 0)
	dst = append(dst, `,"height":`...)
	dst = appendFixed(dst, d.height, 0)
	dst = append(dst, `,"unit":"`...)
	dst = append(dst, d.unit()...)
	return append(dst, `"}`...)
}

func (d *device) unit() string {
	if d.platform == "Web" {
		return "px"
	}
	return "mm"
}
