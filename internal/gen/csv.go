package gen

// usage is which properties the records of each event have; the row numEvents is the union of all.
type usage [numEvents + 1][numKeys]bool

// survey makes all records without writing them, to see which columns their file needs. Only CSV needs it.
func survey(o Options) (*usage, error) {
	var u usage
	if o.Kind != SegmentCSV && o.Kind != CleverTapCSV {
		return &u, nil
	}
	err := newGenerator(o).each(func(what role, r *record) error {
		if what == roleRepeat {
			return nil
		}
		for _, p := range r.props {
			u[r.event][p.key], u[numEvents][p.key] = true, true
		}
		return nil
	})
	return &u, err
}

// cells appends the cells of the properties in [from, to) that file has columns for.
func (u *usage) cells(dst []byte, r *record, file event, from, to key, cleverTap bool) []byte {
	var at [numKeys]int16 // 1 + the index in r.props
	for i, p := range r.props {
		at[p.key] = int16(i + 1)
	}
	for k := from; k < to; k++ {
		if !u[file][k] {
			continue
		}
		dst = append(dst, ',')
		if at[k] == 0 {
			continue
		}
		p := r.props[at[k]-1]
		if p.kind == date {
			dst = appendDate(dst, r.value(p), cleverTap)
		} else {
			dst = appendCell(dst, string(r.value(p)))
		}
	}
	return dst
}

// names appends the header cells of the properties in [from, to).
func (u *usage) names(dst []byte, file event, from, to key, prefix string) []byte {
	for k := from; k < to; k++ {
		if u[file][k] {
			dst = append(dst, ',')
			dst = appendCell(dst, prefix+keyNames[k])
		}
	}
	return dst
}

// segmentCSV writes what segmentJSON writes, a column a place.
type segmentCSV struct {
	g    *generator
	used *usage
	file event
}

func (s *segmentCSV) header(dst []byte) []byte {
	dst = append(dst, "type,messageId,event,userId,anonymousId,timestamp,context.app.version,context.device.manufacturer,"+
		"context.device.model,context.library.name,context.library.version,context.locale,context.os.name,"+
		"context.os.version,context.userAgent,prop:controlGroupName"...)
	dst = s.used.names(dst, s.file, 0, numKeys, "prop:")
	return append(dst, '\n')
}

func (s *segmentCSV) record(dst []byte, r *record) []byte {
	d := r.dev
	dst = append(dst, "track,"...)
	dst = appendUUID(dst, s.g.ids)
	dst = append(append(dst, ','), eventNames[r.event]...)
	dst = append(dst, ',')
	if d.known {
		dst = append(dst, d.user.id...)
	}
	dst = append(dst, ',')
	if !r.deviceless() {
		dst = append(dst, d.id...)
	}
	dst = appendISO(append(dst, ','), r.at)
	for _, cell := range [...]string{
		releases[d.version], d.brand, d.modelName(), "clevertap", d.sdk, d.user.city.locale, d.osName, d.osVersion, d.agent,
		r.group(),
	} {
		dst = appendCell(append(dst, ','), cell)
	}
	dst = s.used.cells(dst, r, s.file, 0, numKeys, false)
	return append(dst, '\n')
}

// modelName is the hardware's model; a browser has none.
func (d *device) modelName() string {
	if d.platform == "Web" {
		return ""
	}
	return d.model
}

// cleverTapCSV writes CleverTap's CSV exports: a fixed beginning, then the properties.
type cleverTapCSV struct {
	g    *generator
	used *usage
	file event
}

func (c *cleverTapCSV) header(dst []byte) []byte {
	dst = append(dst, "ts,eventName,profile.identity,profile.objectId,profile.all_identities,profile.platform,"+
		"profile.phone,profile.name,profile.email,profile.push_token,deviceInfo.make,deviceInfo.model,"+
		"deviceInfo.appVersion,deviceInfo.sdkVersion,deviceInfo.osVersion,deviceInfo.browser,deviceInfo.dpi,"+
		"deviceInfo.dimensions.width,deviceInfo.dimensions.height,deviceInfo.dimensions.unit,controlGroupName"...)
	dst = c.used.names(dst, c.file, 0, firstSession, "eventProps.")
	dst = c.used.names(dst, c.file, firstSession, numKeys, "sessionProps.")
	return append(dst, '\n')
}

func (c *cleverTapCSV) record(dst []byte, r *record) []byte {
	d, u := r.dev, r.dev.user
	var identity, objectID, all, phone, name, email, token string
	if d.known {
		identity, all, phone, name, email = u.id, u.identities, u.phone[1:], u.name, u.email
	}
	if r.namesDevice() {
		objectID = d.id
	}
	if !r.deviceless() {
		token = d.token
	}
	dst = appendStamp(dst, c.g.clock.local(r.at))
	for _, cell := range [...]string{
		eventNames[r.event], identity, objectID, all, d.platform, phone, name, email, token, d.brand, d.modelName(),
		releases[d.version], d.sdk, d.osVersion, d.browser,
	} {
		dst = appendCell(append(dst, ','), cell)
	}
	for _, n := range [...]int64{d.dpi, d.width, d.height} {
		dst = appendFixed(append(dst, ','), n, 0)
	}
	dst = append(append(dst, ','), d.unit()...)
	dst = append(append(dst, ','), r.group()...)
	dst = c.used.cells(dst, r, c.file, 0, numKeys, true)
	return append(dst, '\n')
}
