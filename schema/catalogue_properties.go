package schema

// Descriptions that more than one group of properties uses.
const (
	aboutOSVersion = "Version of the device's operating system, for example 14 or 17.4."
	aboutCarrier   = "Mobile network operator that the device was registered with."
	aboutNetwork   = "Kind of connection at that moment: 2G, 3G, 4G, 5G, WiFi or Unavailable."
	aboutWiFi      = "\"true\" if the device was on Wi-Fi when the event happened."
	aboutInstall   = "\"y\" if the visit or click led to an install of the app."
	aboutBrowser   = "Web browser in which it happened, for example Chrome; empty in apps."
	aboutMIME      = "Form of the e-mail that was opened: text/html, or AMP for an interactive one."

	aboutExperimentID      = "CleverTap's id of the app A/B experiment; count users per experiment by it."
	aboutExperimentVariant = "Title of the experiment's arm that the user was given."
	aboutVariantID         = "CleverTap's id of the experiment's arm that the user was given."
	aboutExperimentVersion = "Edition of the experiment: it is raised each time somebody edits the experiment."
	aboutSticky            = "Whether users keep the arm they were given even when they no longer match the audience."
	aboutExclusive         = "\"true\" if users of this experiment are kept out of the others."
)

// common are the properties that CleverTap sets on every event.
func common() []property {
	return []property{
		{"CT App Version", "Version of the app that the event came from, for example 5.2.1; empty for server-side events."},
		{"CT SDK Version", "Number of CleverTap's SDK in the app, for example 70000 for 7.0.0."},
		{"CT Source", "Where CleverTap got the event from: Mobile, Web, MobileWeb, API, System, or a partner's name."},
	}
}

// campaign are the properties of every event that stems from a campaign or journey.
func campaign() []property {
	return []property{
		{"Campaign Id", "The campaign: its number, followed by _YYYYMMDD for each run of a recurring one or by _ and epoch " +
			"seconds for a triggered one."},
		{"Campaign name", "Title that the marketer gave the campaign."},
		{"Campaign type", "Channel of the campaign, for example Push, Email, InApp, WhatsApp or Web Push."},
		{"Campaign labels", "Labels that the marketer put on the campaign, for reports by theme."},
		{"wzrk_pivot", "Variant of the campaign's A/B test that the user got; wzrk_default where there is no test."},
		{"wzrk_c2a", "Text of the button that the user clicked."},
		{"Journey Id", "The journey that the campaign is a step of; empty for single campaigns."},
	}
}

// variant is the newer twin of wzrk_pivot.
func variant() []property {
	return []property{
		{"Variant", "Title of the campaign's A/B variant, the newer twin of wzrk_pivot."},
	}
}

// messageKey ties replies and control groups to the message they belong to.
func messageKey() []property {
	return []property{
		{"wzrk_id", "Campaign and run of the message, written like campaign_id; prefer campaign_id where both are there."},
	}
}

// push are the keys of a message's payload that come back when it is shown. They are text even where they look like
// numbers: the SDKs send both forms.
func push() []property {
	return append(messageKey(), []property{
		{"wzrk_pid", "Id of the single push message; devices use it to show no message twice."},
		{"wzrk_ttl", "When the message expires, in epoch seconds."},
		{"wzrk_acct_id", "CleverTap account that sent the message."},
		{"wzrk_rnv", "\"true\" if the device was asked to report that it showed the message (a push impression)."},
		{"wzrk_pn", "\"true\" marks a push message as one of CleverTap's."},
		{"wzrk_cid", "Android notification channel that the message was shown in."},
		{"wzrk_bc", "Number that the message set on the app's badge."},
		{"wzrk_bi", "Which icon the badge shows on Android: 0 none, 1 small, 2 large."},
		{"wzrk_bp", "Address of the big picture in the message."},
		{"wzrk_dl", "Deep link that the message opens."},
		{"wzrk_acts", "The message's action buttons as JSON text."},
		{"wzrk_animated", "\"true\" if the message came in with an animation."},
		{"wzrk_cts", "When the user clicked, in epoch seconds of the device's clock."},
		{"wzrk_sound", "Sound file that the message played, or \"true\" for the default one."},
	}...)
}

// pushDelivery are the keys that come back with clicks and impressions only.
func pushDelivery() []property {
	return []property{
		{"wzrk_dt", "Service that delivered the message, for example FIREBASE."},
		{"wzrk_push_amp", "\"true\" if the message came by push amplification, fetched by the app because the push service failed."},
		{"wzrk_ck", "Collapse key: a newer message with the same key replaces this one on the device."},
		{"wzrk_ttl_s", "How long the message stays valid, in seconds from sending."},
		{"wzrk_st", "Subtitle below the message's title."},
		{"wzrk_nms", "Summary line of the opened message on Android."},
		{"wzrk_collapsible", "\"true\" if a newer message may replace this one."},
		{"wzrk_mutable_content", "\"true\" if the iOS app may change the message before it is shown, as rich media need it."},
		{"wzrk_c2a_short_url", "Shortened link that the user followed from the message."},
		{"wzrk_slideNo", "Which slide of a carousel was clicked, counted by the template."},
		{"wzrk_click_innerText", "Text of the web page element that was clicked."},
		{"wzrk_click_c2a", "Name of the web page element that was clicked, where it is not a plain button."},
		{"wzrk_bpds", "How the download of the big picture went, for example SUCCESS, NO_IMAGE or NO_NETWORK."},
		{"wzrk_interruption_level", "How much iOS lets the message disturb: passive, active, time-sensitive or critical."},
		{"wzrk_relevance_score", "Rank from 0 to 1 by which iOS sorts the message in its summary."},
	}
}

// device are the technical facts that the SDKs send along.
func device() []property {
	return []property{
		{"CT OS Version", aboutOSVersion},
		{"CT Network Carrier", aboutCarrier},
		{"CT Network Type", aboutNetwork},
		{"ct_connected_to_wifi", aboutWiFi},
		{"CT Bluetooth Version", "Bluetooth standard of the device: ble, classic or none."},
		{"CT Bluetooth Enabled", "\"true\" if Bluetooth was switched on."},
	}
}

// position is where the device was, if the user allows it to be known.
func position() []property {
	return []property{
		{"CT Latitude", "Latitude of the device in degrees, positive to the north."},
		{"CT Longitude", "Longitude of the device in degrees, positive to the east."},
	}
}

func session() []property {
	return []property{
		{"CT Session Id", "The app session: by its values the epoch second in which the session began."},
	}
}

// client says with what a message was read.
func client() []property {
	return []property{
		{"browser", aboutBrowser},
		{"User Agent", "Full user agent string of the browser or mail program."},
		{"Client Name", "Mail program that opened the message, for example Gmail or Apple Mail."},
		{"mimeType", aboutMIME},
		{"skipTCM", "\"true\" if the message was an automatic answer or an agent's chat, which message limits do not count."},
	}
}

func experiment() []property {
	return []property{
		{"Variant", aboutExperimentVariant},
		{"Variant Id", aboutVariantID},
		{"Version", aboutExperimentVersion},
		{"Experiment Id", aboutExperimentID},
		{"Stickiness", aboutSticky},
		{"Mutually Exclusive", aboutExclusive},
	}
}

func geofence() []property {
	return []property{
		{"latitude", "Latitude in degrees at which the border of the geofence was crossed."},
		{"longitude", "Longitude in degrees at which the border of the geofence was crossed."},
		{"network_carrier", "Mobile network operator, under the key of the geofence SDK."},
		{"os_version", "Version of the operating system, under the key of the geofence SDK."},
		{"application_version", "Version of the app, under the key of the geofence SDK."},
		{"ct_connected_to_wifi", aboutWiFi},
		{"geofence_id", "The single circle on the map whose border was crossed."},
		{"cluster_name", "Title of the group of geofences, for example all shops of a city."},
		{"cluster_id", "CleverTap's id of the group of geofences."},
	}
}
