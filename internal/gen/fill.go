package gen

// fill writes down what CleverTap records of the event that r plans: the same properties under the same names, in
// whichever of their spellings the event uses.
func (g *generator) fill(r *record) {
	switch r.event {
	case appLaunched:
		g.fillLaunched(r)
	case appInstalled:
		r.text(kSource, "Mobile")
		r.text(kAppVersionLower, releases[r.dev.version])
		r.text(kSDKVersionLower, r.dev.sdk)
		g.position(r, kLatitudeLower, kLongitudeLower, 0)
	case appUninstalled:
		g.fillUninstalled(r)
	case appVersionChanged:
		g.common(r, "Mobile")
		r.text(kAppVersionPrev, releases[r.choice])
		g.position(r, kLatitude, kLongitude, 0)
	case notificationSent:
		g.common(r, "System")
		g.campaign(r, kCampaignID)
	case notificationViewed, notificationClicked, pushImpressions:
		g.fillMessage(r)
	case notificationReplied:
		g.fillReplied(r)
	case controlGroup:
		g.fillControlGroup(r)
	case channelUnsubscribed:
		g.fillUnsubscribed(r)
	case replySent:
		g.common(r, "System")
		g.campaign(r, kCampaignID)
	case webhookDelivered:
		g.fillWebhook(r)
	case utmVisited:
		g.fillVisited(r)
	case abStopped, abRolledOut, abDisqualified:
		g.fillExperiment(r)
	case geoclusterEntered, geoclusterExited:
		g.fillGeocluster(r)
	default:
		g.fillCustom(r)
	}
}

// common adds what is on every event.
func (g *generator) common(r *record, source string) {
	if source == "Mobile" && r.dev.platform == "Web" {
		source = "Web"
	}
	r.text(kSource, source)
	r.text(kAppVersion, releases[r.dev.version])
	r.text(kSDKVersion, r.dev.sdk)
}

// position adds where the device is: near the middle of its city, shifted by up to reach (or a tenth of a degree).
func (g *generator) position(r *record, lat, long key, reach int64) {
	if reach == 0 {
		reach = 1000
	}
	r.fixed(lat, r.dev.user.city.lat+g.rng.Int64N(2*reach)-reach, 4)
	r.fixed(long, r.dev.user.city.long+g.rng.Int64N(2*reach)-reach, 4)
}

// appendCampaignID appends the campaign's id as CleverTap forms it: the number alone, with the local day of its run,
// or with the second in which it was triggered.
func (g *generator) appendCampaignID(dst []byte, r *record) []byte {
	c := r.camp
	dst = appendFixed(dst, c.id, 0)
	switch c.cadence {
	case recurring:
		dst = append(dst, '_')
		return appendDay(dst, g.clock.local(r.sent))
	case triggered:
		dst = append(dst, '_')
		return appendFixed(dst, r.sent/second, 0)
	}
	return dst
}

func (g *generator) campaignID(r *record, k key) {
	from := len(r.values)
	r.values = g.appendCampaignID(r.values, r)
	r.end(k, plainText, from)
}

// campaign adds the properties of the campaign that the event stems from. CleverTap sends its id as a number in some
// events and as text in others; the number is only possible where the campaign runs once.
func (g *generator) campaign(r *record, id key) {
	c := r.camp
	if c.cadence == once && r.event == replySent {
		r.int(id, c.id)
	} else {
		g.campaignID(r, id)
	}
	r.text(kCampaignName, c.name)
	channel := c.channel
	if channel == "Push" {
		channel = pushChannel(r.dev)
	}
	r.text(kCampaignType, channel)
	r.text(kCampaignLabels, c.labels)
	if c.journey != 0 {
		r.digits(kJourneyID, c.journey)
	}
	if r.event == replySent || r.event == webhookDelivered || r.event == controlGroup {
		return
	}
	r.text(kVariant, variant(r))
	r.text(kPivot, pivot(r))
}

func pushChannel(d *device) string {
	if d.platform == "iOS" {
		return "Mobile Push - iOS"
	}
	return "Mobile Push - Android"
}

func variant(r *record) string {
	return [...]string{"Variant A", "Variant B", "Variant C"}[r.variant]
}

func pivot(r *record) string {
	if r.camp.variants < 2 {
		return "wzrk_default"
	}
	return [...]string{"Variant A", "Variant B", "Variant C"}[r.variant]
}

func (g *generator) network() string {
	return [...]string{"4G", "WiFi", "5G", "WiFi", "4G", "3G"}[g.rng.IntN(6)]
}

func (g *generator) fillLaunched(r *record) {
	d := r.dev
	network := g.network()
	g.common(r, "Mobile")
	r.int(kSessionID, r.session)
	if r.choice == firstLaunch {
		r.text(kFirstTime, "true")
		if g.chance(20) {
			r.text(kKeyword, "shopping app")
		}
	}
	if d.platform == "Web" {
		return
	}
	r.text(kOSVersion, d.osVersion)
	r.text(kCarrier, d.carrier)
	r.text(kNetwork, network)
	if d.platform == "iOS" {
		r.yes(kWiFi, network == "WiFi")
		r.text(kModel, d.model)
	} else {
		r.yes(kWiFiLower, network == "WiFi")
		r.text(kBluetoothVersion, "ble")
		r.yes(kBluetoothEnabled, g.chance(60))
	}
	if g.chance(55) {
		g.position(r, kLatitude, kLongitude, 0)
	}
}

func (g *generator) fillUninstalled(r *record) {
	r.text(kSource, "System")
	r.text(kDeviceID, r.dev.id)
	r.text(kToken, r.dev.token)
	if r.dev.platform == "Android" {
		r.text(kHow, "REALTIME_FIREBASE")
	} else {
		r.text(kHow, "SILENT_PUSH")
	}
}

// experiment is one of the app's A/B experiments: its id, edition and arms.
type experiment struct{ id, version, armA, armB string }

func (g *generator) fillExperiment(r *record) {
	e := [...]experiment{
		{"210034", "2", "One-page checkout", "Classic checkout"},
		{"210041", "1", "Large pictures", "List"},
	}[r.choice]
	arm, armID := e.armA, e.id+"1"
	if r.event == abDisqualified {
		arm, armID = e.armB, e.id+"2"
	}
	if r.event == abStopped { // this one event has its keys in lower case
		r.text(kSourceLower, "Mobile")
		r.text(kAppVersionLower, releases[r.dev.version])
		r.text(kExpVariantLower, arm)
		r.text(kExpVariantIDLower, armID)
		r.text(kExpVersionLower, e.version)
		r.text(kExpIDLower, e.id)
		r.text(kStickyLower, "true")
		r.text(kExclusiveLower, "false")
		return
	}
	g.common(r, "Mobile")
	r.text(kVariant, arm)
	r.text(kExpVariantID, armID)
	r.text(kExpVersion, e.version)
	r.text(kExpID, e.id)
	r.text(kSticky, "true")
	r.text(kExclusive, "false")
}

func (g *generator) fillGeocluster(r *record) {
	d := r.dev
	if r.event == geoclusterEntered {
		g.common(r, "Mobile")
		r.text(kOSVersionLower, d.osVersion)
		r.optional(kCarrierLower, d.carrier)
		r.text(kNetworkLower, g.network())
		g.position(r, kLatitude, kLongitude, 30)
	} else {
		r.text(kSourceLower, "Mobile")
		r.text(kSDKVersionLower, d.sdk)
	}
	g.position(r, kGeoLatitude, kGeoLongitude, 30)
	r.optional(kGeoCarrier, d.carrier)
	r.text(kGeoOSVersion, d.osVersion)
	r.text(kGeoAppVersion, releases[d.version])
	r.yes(kWiFiLower, false)
	from := len(r.values)
	r.values = appendFixed(r.values, int64(r.choice)+31, 0)
	r.end(kGeofence, plainText, from)
	from = len(r.values)
	r.values = append(r.values, d.user.city.name...)
	r.values = append(r.values, " shops"...)
	r.end(kClusterName, plainText, from)
	r.digits(kClusterID, 7)
}
