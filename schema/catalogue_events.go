package schema

import "slices"

// The names of CleverTap's 19 system events, spelled as on Segment's page about the CleverTap source.
const (
	eventAppLaunched         = "App Launched"
	eventAppInstalled        = "App Installed"
	eventAppUninstalled      = "App Uninstalled"
	eventAppVersionChanged   = "App Version Changed"
	eventNotificationSent    = "Notification Sent"
	eventNotificationViewed  = "Notification Viewed"
	eventNotificationClicked = "Notification Clicked"
	eventPushImpressions     = "Push Impressions"
	eventNotificationReplied = "Notification Replied"
	eventControlGroup        = "Control Group"
	eventChannelUnsubscribed = "Channel Unsubscribed"
	eventReplySent           = "Reply Sent"
	eventWebhookDelivered    = "Webhook Delivered"
	eventUTMVisited          = "UTM Visited"
	eventABStopped           = "AB Experiment Stopped"
	eventABRolledOut         = "AB Experiment Rolled Out"
	eventABDisqualified      = "AB Experiment Disqualified"
	eventGeoclusterEntered   = "Geocluster Entered"
	eventGeoclusterExited    = "Geocluster Exited"
)

// described is one event of the catalogue as written down below: what makes a CatalogueEvent of it is computed.
type described struct {
	name, about string
	properties  [][]property
}

// property is one property as written down: its name in CleverTap, and what it means.
type property struct{ name, about string }

func (d *described) event() CatalogueEvent {
	ev := CatalogueEvent{Name: d.name, Table: TableName(d.name), Description: d.about}
	for _, p := range slices.Concat(d.properties...) {
		column := ColumnName(p.name)
		ev.Properties = append(ev.Properties, CatalogueProperty{
			Name: p.name, Column: column, Description: p.about, Type: catalogueType(column),
		})
	}
	return ev
}

// catalogueEvents is the catalogue. The properties of each event are those of CleverTap's export format pages and
// sample files; the groups that many events share are in catalogue_properties.go.
func catalogueEvents() []described {
	return slices.Concat(appEvents(), messageEvents(), replyEvents(), deliveryEvents(), experimentEvents(), geoEvents())
}

func appEvents() []described {
	return []described{
		{eventAppLaunched, "One row each time a user opens the app or brings it back after its session ended.", [][]property{
			common(), device(), position(), session(), {
				{"CT Connected To WiFi", "\"true\" if the device was on Wi-Fi, in the key that the SDKs of some platforms send; " +
					"see ct_connected_to_wifi too."},
				{"Model", "Hardware model of the device that opened the app, for example SM-A546E."},
				{"Keyword", "Search term of the store advertisement that led to the install, where the attribution partner sends it."},
				{"ct_first_time", "\"true\" on the first launch after an install."},
			},
		}},
		{eventAppInstalled, "One row for each install that CleverTap saw; reinstalls and cleared app data count again.", [][]property{
			common(), position(),
		}},
		{eventAppUninstalled, "One row when CleverTap learns that an app was removed, by silent push up to a day late or from " +
			"Firebase at once.", [][]property{
			common(), {
				{"clevertapId", "CleverTap's id of the device that lost the app; the same as anonymous_id where the profile has one."},
				{"token", "Push token that turned out to be dead, which is how the removal was noticed."},
				{"source", "How the removal was noticed, for example REALTIME_FIREBASE or a silent push."},
			},
		}},
		{eventAppVersionChanged, "One row when a device first runs another version of the app.", [][]property{
			common(), position(), {
				{"CT App Version Prev", "Version that ran on the device before the update; ct_app_version is the new one."},
			},
		}},
	}
}

func messageEvents() []described {
	return []described{
		{eventNotificationSent, "One row for each message that a campaign or journey sent to a user, on any channel.", [][]property{
			common(), campaign(), variant(), {
				{"Labels", "Campaign labels under the older key; see campaign_labels too."},
			},
		}},
		{
			eventNotificationViewed, "One row when a user saw a message: an in-app, inbox, web or e-mail view, or an opened push.",
			[][]property{common(), campaign(), variant(), push(), device(), position(), session(), client()},
		},
		{eventNotificationClicked, "One row when a user clicked a message or one of its buttons.", [][]property{
			common(), campaign(), variant(), push(), pushDelivery(), device(), position(), session(), client(), {
				{"Install", aboutInstall},
			},
		}},
		{eventPushImpressions, "One row when a device reports that it showed a push message, opened or not.", [][]property{
			common(), campaign(), variant(), push(), pushDelivery(), position(), {
				{"CT OS Version", aboutOSVersion},
				{"CT Network Carrier", aboutCarrier},
			},
		}},
	}
}

func replyEvents() []described {
	return []described{
		{eventNotificationReplied, "One row when a user answers a WhatsApp message.", [][]property{
			common(), campaign(), variant(), messageKey(), {
				{"Message Id", "The messaging provider's id of the user's answer."},
				{"Incoming message type", "Kind of answer: text, image, button, location and so on."},
				{"Incoming text", "What the user wrote."},
				{"Incoming media URL", "Address of the picture, sound or document that the user sent."},
				{"Destination WABA number", "WhatsApp business number that received the answer, as digits."},
				{"Source WABA number", "Phone number the answer came from, as digits with the country code."},
				{"Lat", "Latitude in degrees of a location that the user shared as the answer."},
				{"Long", "Longitude in degrees of a location that the user shared as the answer."},
				{"QR Paylolad", "Hidden value of the quick-reply button that was pressed (CleverTap's own spelling)."},
			},
		}},
		{eventControlGroup, "One row when a user was held back from a message because of a control group.", [][]property{
			common(), campaign(), messageKey(), {
				{"Journey name", "Title of the journey whose control group the user is in."},
				{"controlGroupName", "Title of a custom control group; empty for the control group of a campaign or journey."},
			},
		}},
		{eventChannelUnsubscribed, "One row when an e-mail address or phone number stops (or resumes) taking messages.", [][]property{
			common(), campaign(), variant(), {
				{"Resubscribed", "\"true\" if the user came back to the channel, \"false\" if they left it."},
				{"Group", "Subscription group, such as a newsletter, that the user left; empty for the whole channel."},
				{"Type", "Why messages stop: unsubscribe, bounced, dropped or spam."},
				{"Subscription Type", "How far it reaches: Account Level (the address) or Profile Level (this user)."},
				{"Identity", "E-mail address or phone number that was unsubscribed."},
				{"Reason", "Text that the provider or the user gave as the cause."},
				{"Clevertap ID", "CleverTap's id of the device or profile that the address belongs to."},
				{"mimeType", aboutMIME},
			},
		}},
		{eventReplySent, "One row for each automatic or agent's answer that was sent back to a user.", [][]property{
			common(), campaign(),
		}},
	}
}

func deliveryEvents() []described {
	return []described{
		{eventWebhookDelivered, "One row for each webhook call of a campaign that the receiver accepted.", [][]property{
			common(), campaign(), position(), {
				{"ContentName", "Title of the webhook template or content that was sent."},
				{"all_identities", "All known identities of the user as one text, for example [u-1001, pat@example.org]."},
				{"session_props | session_source", "Traffic source of the session that triggered the call."},
				{"mp_processing_time_ms", "Milliseconds that the marketing platform took to process the call."},
				{"ts", "Time of delivery as the call carried it, text as sent; the event's own time is in \"timestamp\"."},
			},
		}},
		{eventUTMVisited, "One row when a session began from a link with UTM parameters or from an attributed install.", [][]property{
			common(), campaign(), variant(), push(), pushDelivery(), device(), position(), session(), {
				{"utm_source", "Who sent the visitor, from the link: google, newsletter and so on."},
				{"utm_medium", "Marketing channel from the link: cpc, email, push and so on."},
				{"utm_campaign", "Marketing campaign from the link; often a title, not CleverTap's campaign id."},
				{"session_source", "Traffic source that CleverTap gave the whole session, with or without UTM parameters."},
				{"session_referrer", "Address of the page that the visitor came from."},
				{"Install", aboutInstall},
				{"provider", "Attribution partner that reported the visit, for example AppsFlyer or Branch."},
				{"install_time", "When the app was installed by the attribution partner's clock, text as sent."},
				{"action", "What the visitor did to arrive, for example a click on a button of a message."},
				{"browser", aboutBrowser},
				{"button_id", "Which button of the message was clicked."},
				{"CT Connected To WiFi", "\"true\" if the visiting device was on Wi-Fi, under the key in title case; " +
					"see ct_connected_to_wifi too."},
			},
		}},
	}
}

func experimentEvents() []described {
	return []described{
		{eventABStopped, "One row when an app A/B experiment ended for a user.", [][]property{common(), {
			{"stickiness", aboutSticky},
			{"mutually_exclusive", aboutExclusive},
			{"variant", aboutExperimentVariant},
			{"variant_id", aboutVariantID},
			{"version", aboutExperimentVersion},
			{"experiment_id", aboutExperimentID},
		}}},
		{
			eventABRolledOut, "One row when the winning variant of an app A/B experiment was given to a user.",
			[][]property{common(), experiment()},
		},
		{
			eventABDisqualified, "One row when a user stopped to qualify for an app A/B experiment.",
			[][]property{common(), experiment()},
		},
	}
}

func geoEvents() []described {
	return []described{
		{eventGeoclusterEntered, "One row when a device came into a geofence of a cluster.", [][]property{
			common(), geofence(), position(), {
				{"CT OS Version", aboutOSVersion},
				{"CT Network Carrier", aboutCarrier},
				{"CT Network Type", aboutNetwork},
			},
		}},
		{eventGeoclusterExited, "One row when a device left a geofence of a cluster.", [][]property{common(), geofence()}},
	}
}
