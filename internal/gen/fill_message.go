package gen

// fillMessage writes the events in which a message's payload comes back.
func (g *generator) fillMessage(r *record) {
	d, c := r.dev, r.camp
	clicked := r.event == notificationClicked
	g.campaignID(r, kWzrkID)
	g.common(r, "Mobile")
	g.campaign(r, kCampaignID)
	switch c.channel {
	case "Push", "Web Push":
		g.payload(r)
	case "Email":
		r.text(kClient, [...]string{"Gmail", "Apple Mail", "Outlook"}[r.serial%3])
		r.text(kMIME, "text/html")
		r.text(kUserAgent, d.agent)
	}
	if r.event != pushImpressions {
		r.int(kSessionID, r.session)
		r.optional(kBrowser, d.browser)
	}
	if clicked {
		r.optional(kC2A, c.c2a)
		r.int(kClickedAt, r.at/second)
	}
	if r.event == pushImpressions {
		r.text(kOSVersionLower, d.osVersion)
		r.optional(kCarrierLower, d.carrier)
	}
}

// payload adds the keys that the push service carried to the device.
func (g *generator) payload(r *record) {
	r.digits(kPushID, 1_700_000_000_000+r.serial)
	r.int(kTTL, (r.sent+3*day)/second)
	r.text(kIsPush, "true")
	r.text(kDeepLink, r.camp.link)
	if r.event == notificationViewed {
		return
	}
	r.text(kRaiseViewed, "true")
	if r.dev.platform == "Android" {
		r.text(kDelivery, "FIREBASE")
		r.text(kChannel, "offers")
		r.text(kPictureStatus, "SUCCESS")
	}
	if r.event == notificationClicked {
		r.text(kAccount, "TEST-000-001Z")
		r.text(kBadgeIcon, "2")
		r.text(kPicture, "https://cdn.example.org/p.jpg")
		r.free(kActions, `[{"id":"1","l":"Open","dl":"bazaar://"}]`)
		r.text(kCollapse, "offers")
		r.text(kTTLSeconds, "259200")
		r.text(kAmplified, "false")
	}
}

func (g *generator) fillReplied(r *record) {
	g.common(r, "GUPSHUP")
	g.campaignID(r, kWzrkID)
	g.campaign(r, kCampaignID)
	from := len(r.values)
	r.values = append(r.values, "wamid."...)
	r.values = appendUUID(r.values, g.rng)
	r.end(kMessageID, plainText, from)
	r.text(kToNumber, "+915550000001")
	r.text(kFromNumber, r.dev.user.phone)
	switch r.choice {
	case 0:
		r.text(kIncomingType, "text")
		r.free(kIncomingText, "Is the \"blue\" one back?\nThanks 🙏")
	case 1:
		r.text(kIncomingType, "text")
		r.free(kIncomingText, "कब आएगा मेरा ऑर्डर?")
	case 2:
		r.text(kIncomingType, "location")
		g.position(r, kLat, kLong, 0)
	default:
		r.text(kIncomingType, "button")
		r.text(kIncomingText, "Yes, deliver today")
		r.text(kQuickReply, "DELIVER_TODAY")
	}
}

func (g *generator) fillControlGroup(r *record) {
	g.common(r, "System")
	g.campaignID(r, kWzrkID)
	g.campaign(r, kCampaignID)
	r.text(kPivot, "wzrk_default")
	if r.camp.journey != 0 {
		r.text(kJourneyName, r.camp.name+" journey")
	}
}

// group is the custom control group of a held-back message; empty for the campaign's own.
func (r *record) group() string {
	if r.event == controlGroup && r.serial%3 == 0 {
		return "Global holdout 2026"
	}
	return ""
}

func (g *generator) fillUnsubscribed(r *record) {
	g.common(r, "System")
	g.campaign(r, kCampaignID)
	r.text(kType, [...]string{"unsubscribe", "unsubscribe", "bounced", "spam"}[r.choice])
	r.text(kResubscribed, "false")
	r.text(kGroup, "newsletter")
	r.text(kSubscription, [...]string{"Profile Level", "Account Level", "Account Level", "Account Level"}[r.choice])
	r.text(kIdentity, r.dev.user.email)
	if r.choice == 2 {
		r.text(kReason, "550 5.1.1 mailbox unavailable")
	}
}

func (g *generator) fillWebhook(r *record) {
	r.text(kSource, "System")
	r.text(kAppVersionLower, releases[r.dev.version])
	g.campaign(r, kCampaignIDTitle)
	r.text(kContent, "Loyalty points")
	r.text(kAllIdentities, r.dev.user.identities)
	r.text(kSessionSourceOdd, "direct")
	r.int(kProcessingTime, 40+g.rng.Int64N(900))
	r.int(kTS, r.at/second)
	g.position(r, kLatitudeLower, kLongitudeLower, 0)
}

// fillVisited writes a session that began with a link: of a message, or of an advertisement that led to an install.
func (g *generator) fillVisited(r *record) {
	if r.camp == nil {
		g.common(r, [...]string{"appsflyer", "branch", "Mobile"}[r.choice])
		r.text(kInstall, "y")
		r.text(kProvider, [...]string{"appsflyer", "branch", "google"}[r.choice])
		from := len(r.values)
		r.values = appendISO(r.values, r.session*second)
		r.end(kInstallTime, plainText, from)
		r.text(kNetworkLower, g.network())
		r.optional(kCarrierLower, r.dev.carrier)
		r.text(kUTMSource, [...]string{"google", "instagram", "affiliate"}[r.choice])
		r.text(kUTMMedium, "cpc")
		r.text(kUTMCampaign, "install-jan-2026")
		r.text(kSessionSource, [...]string{"google", "instagram", "affiliate"}[r.choice])
		r.text(kSessionReferrer, [...]string{
			"https://www.google.com/", "https://l.instagram.com/", "https://deals.example.net/",
		}[r.choice])
		return
	}
	g.campaignID(r, kWzrkID)
	g.common(r, "Mobile")
	g.campaign(r, kCampaignID)
	r.int(kSessionID, r.session)
	r.text(kAction, "click")
	r.optional(kBrowser, r.dev.browser)
	r.text(kUTMSource, "clevertap")
	r.text(kUTMMedium, r.camp.channel)
	r.text(kUTMCampaign, r.camp.name)
	r.text(kSessionSource, "clevertap")
}
