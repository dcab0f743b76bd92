package gen

// event is one of the events that happen in the invented world.
type event uint8

const (
	appLaunched event = iota
	appInstalled
	appUninstalled
	appVersionChanged
	notificationSent
	notificationViewed
	notificationClicked
	pushImpressions
	notificationReplied
	controlGroup
	channelUnsubscribed
	replySent
	webhookDelivered
	utmVisited
	abStopped
	abRolledOut
	abDisqualified
	geoclusterEntered
	geoclusterExited
	signedUp
	productViewed
	addedToCart
	charged
	numEvents

	firstCustom = signedUp
)

var eventNames = [numEvents]string{
	"App Launched", "App Installed", "App Uninstalled", "App Version Changed", "Notification Sent",
	"Notification Viewed", "Notification Clicked", "Push Impressions", "Notification Replied", "Control Group",
	"Channel Unsubscribed", "Reply Sent", "Webhook Delivered", "UTM Visited", "AB Experiment Stopped",
	"AB Experiment Rolled Out", "AB Experiment Disqualified", "Geocluster Entered", "Geocluster Exited",
	"Signed Up", "Product Viewed", "Added To Cart", "Charged",
}

// key is the name of a property. Their order is the order of CSV columns.
type key uint8

const (
	kSource key = iota
	kAppVersion
	kAppVersionLower
	kAppVersionPrev
	kSDKVersion
	kSDKVersionLower
	kOSVersion
	kOSVersionLower
	kCarrier
	kCarrierLower
	kNetwork
	kNetworkLower
	kWiFi
	kWiFiLower
	kBluetoothVersion
	kBluetoothEnabled
	kLatitude
	kLongitude
	kLatitudeLower
	kLongitudeLower
	kSessionID
	kModel
	kKeyword
	kFirstTime
	kDeviceID
	kToken
	kHow
	kCampaignID
	kCampaignIDTitle
	kCampaignName
	kCampaignType
	kCampaignLabels
	kJourneyID
	kJourneyName
	kVariant
	kPivot
	kC2A
	kWzrkID
	kPushID
	kTTL
	kTTLSeconds
	kAccount
	kRaiseViewed
	kIsPush
	kChannel
	kBadgeIcon
	kBadgeCount
	kPicture
	kPictureStatus
	kDeepLink
	kActions
	kClickedAt
	kDelivery
	kAmplified
	kCollapse
	kBrowser
	kUserAgent
	kClient
	kMIME
	kMessageID
	kIncomingType
	kIncomingText
	kToNumber
	kFromNumber
	kLat
	kLong
	kQuickReply
	kResubscribed
	kGroup
	kType
	kSubscription
	kIdentity
	kReason
	kContent
	kAllIdentities
	kSessionSourceOdd
	kProcessingTime
	kTS
	kInstall
	kProvider
	kInstallTime
	kAction
	kExpVariantLower
	kExpVariantIDLower
	kExpVersionLower
	kExpIDLower
	kStickyLower
	kExclusiveLower
	kSourceLower
	kExpVariantID
	kExpVersion
	kExpID
	kSticky
	kExclusive
	kGeoLatitude
	kGeoLongitude
	kGeoCarrier
	kGeoOSVersion
	kGeoAppVersion
	kGeofence
	kClusterName
	kClusterID
	kProductID
	kProduct
	kCategory
	kPrice
	kInStock
	kRating
	kQuantity
	kCartValue
	kChargedID
	kAmount
	kCurrency
	kPayment
	kItems
	kDeliveryDate
	kMethod
	kReferred
	kUTMSource // from here on session properties
	kUTMMedium
	kUTMCampaign
	kSessionSource
	kSessionReferrer
	numKeys

	firstSession = kUTMSource
)

// keyNames are the properties as CleverTap writes them: it has both spellings of some.
var keyNames = [numKeys]string{
	kSource: "CT Source", kAppVersion: "CT App Version", kAppVersionLower: "ct_app_version",
	kAppVersionPrev: "CT App Version Prev", kSDKVersion: "CT SDK Version", kSDKVersionLower: "ct_sdk_version",
	kOSVersion: "CT OS Version", kOSVersionLower: "ct_os_version", kCarrier: "CT Network Carrier",
	kCarrierLower: "ct_network_carrier", kNetwork: "CT Network Type", kNetworkLower: "ct_network_type",
	kWiFi: "CT Connected To WiFi", kWiFiLower: "ct_connected_to_wifi", kBluetoothVersion: "CT Bluetooth Version",
	kBluetoothEnabled: "CT Bluetooth Enabled", kLatitude: "CT Latitude", kLongitude: "CT Longitude",
	kLatitudeLower: "ct_latitude", kLongitudeLower: "ct_longitude", kSessionID: "CT Session Id", kModel: "Model",
	kKeyword: "Keyword", kFirstTime: "ct_first_time", kDeviceID: "clevertapId", kToken: "token", kHow: "source",
	kCampaignID: "Campaign id", kCampaignIDTitle: "Campaign Id", kCampaignName: "Campaign name",
	kCampaignType: "Campaign type", kCampaignLabels: "Campaign labels", kJourneyID: "Journey id",
	kJourneyName: "Journey name", kVariant: "Variant", kPivot: "wzrk_pivot", kC2A: "wzrk_c2a", kWzrkID: "wzrk_id",
	kPushID: "wzrk_pid", kTTL: "wzrk_ttl", kTTLSeconds: "wzrk_ttl_s", kAccount: "wzrk_acct_id",
	kRaiseViewed: "wzrk_rnv", kIsPush: "wzrk_pn", kChannel: "wzrk_cid", kBadgeIcon: "wzrk_bi", kBadgeCount: "wzrk_bc",
	kPicture: "wzrk_bp", kPictureStatus: "wzrk_bpds", kDeepLink: "wzrk_dl", kActions: "wzrk_acts",
	kClickedAt: "wzrk_cts", kDelivery: "wzrk_dt", kAmplified: "wzrk_push_amp", kCollapse: "wzrk_ck",
	kBrowser: "browser", kUserAgent: "User Agent", kClient: "Client Name", kMIME: "mimeType", kMessageID: "Message Id",
	kIncomingType: "Incoming message type", kIncomingText: "Incoming text", kToNumber: "Destination WABA number",
	kFromNumber: "Source WABA number", kLat: "Lat", kLong: "Long", kQuickReply: "QR Paylolad",
	kResubscribed: "Resubscribed", kGroup: "Group", kType: "Type", kSubscription: "Subscription Type",
	kIdentity: "Identity", kReason: "Reason", kContent: "ContentName", kAllIdentities: "all_identities",
	kSessionSourceOdd: "session_props | session_source", kProcessingTime: "mp_processing_time_ms", kTS: "ts",
	kInstall: "Install", kProvider: "provider", kInstallTime: "install_time", kAction: "action",
	kExpVariantLower: "variant", kExpVariantIDLower: "variant_id", kExpVersionLower: "version",
	kExpIDLower: "experiment_id", kStickyLower: "stickiness", kExclusiveLower: "mutually_exclusive",
	kSourceLower: "ct_source", kExpVariantID: "Variant Id", kExpVersion: "Version", kExpID: "Experiment Id",
	kSticky: "Stickiness", kExclusive: "Mutually Exclusive", kGeoLatitude: "latitude", kGeoLongitude: "longitude",
	kGeoCarrier: "network_carrier", kGeoOSVersion: "os_version", kGeoAppVersion: "application_version",
	kGeofence: "geofence_id", kClusterName: "cluster_name", kClusterID: "cluster_id", kProductID: "Product ID",
	kProduct: "Product name", kCategory: "Category", kPrice: "Price", kInStock: "In stock", kRating: "Rating",
	kQuantity: "Quantity", kCartValue: "Cart value", kChargedID: "Charged ID", kAmount: "Amount",
	kCurrency: "Currency", kPayment: "Payment mode", kItems: "Items", kDeliveryDate: "Delivery date",
	kMethod: "Method", kReferred: "Referred", kUTMSource: "utm_source", kUTMMedium: "utm_medium",
	kUTMCampaign: "utm_campaign", kSessionSource: "session_source", kSessionReferrer: "session_referrer",
}
