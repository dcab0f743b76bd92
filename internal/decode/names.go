package decode

import (
	"strings"

	"github.com/tapline/tapline/schema"
)

// mapping says how the members of an object are named in the event.
type mapping uint8

const (
	asSent      mapping = iota
	deviceInfo          // CleverTap's deviceInfo: Segment's context names (rule 23)
	profile             // CleverTap's profile: context.traits
	profileData         // custom profile properties: context.traits too
)

// names are the paths that CleverTap's keys stand for. What rule 23 does not name goes to context.device, from
// deviceInfo, or to context.traits, from profile.
type names struct {
	paths *schema.Paths

	device, screen, traits, profileData *schema.Path

	manufacturer, model, appVersion, osName, osVersion, library, density *schema.Path
	objectID, identity, identities, email, phone, pushToken, fullName    *schema.Path

	clevertapID, clevertapIDSpaced, controlGroup *schema.Path // properties
	ts                                           *schema.Path
}

func newNames(ps *schema.Paths) *names {
	at := func(parent *schema.Path, keys ...string) *schema.Path {
		for _, k := range keys {
			parent = ps.Child(parent, []byte(k))
		}
		return parent
	}
	context, property := ps.Root(schema.SectionContext), ps.Root(schema.SectionProperty)
	device, traits := at(context, "device"), at(context, "traits")
	return &names{
		paths:  ps,
		device: device, traits: traits, screen: at(context, "screen"), profileData: at(traits, "profileData"),
		manufacturer: at(device, "manufacturer"), model: at(device, "model"),
		appVersion: at(context, "app", "version"), library: at(context, "library", "version"),
		osName: at(context, "os", "name"), osVersion: at(context, "os", "version"),
		density:  at(context, "screen", "density"),
		objectID: at(traits, "objectId"), identity: at(traits, "identity"), identities: at(traits, "all_identities"),
		email: at(traits, "email"), phone: at(traits, "phone"), pushToken: at(traits, "push_token"),
		fullName:    at(traits, "name"),
		clevertapID: at(property, "clevertapId"), clevertapIDSpaced: at(property, "Clevertap ID"),
		controlGroup: at(property, "control_group_name"), ts: at(context, "clevertap", "ts"),
	}
}

// child returns where the member of that key goes. Ids, names and versions are text even where they are sent as numbers.
func (n *names) child(parent *schema.Path, key []byte, m mapping) child {
	switch m {
	case deviceInfo:
		return n.deviceChild(key)
	case profile:
		return n.profileChild(key)
	case profileData:
		if isProfileKey(key) {
			return child{path: n.paths.Child(n.profileData, key)}
		}
		return child{path: n.paths.Child(n.traits, key)}
	}
	return child{path: n.paths.Child(parent, key)}
}

func (n *names) deviceChild(key []byte) child {
	switch string(key) {
	case "make":
		return child{path: n.manufacturer, text: true}
	case "model":
		return child{path: n.model, text: true}
	case "appVersion":
		return child{path: n.appVersion, text: true}
	case "osVersion":
		return child{path: n.osVersion, text: true}
	case "platform":
		return child{path: n.osName, text: true}
	case "sdkVersion":
		return child{path: n.library, text: true}
	case "dpi":
		return child{path: n.density}
	case "dimensions":
		return child{path: n.screen}
	}
	return child{path: n.paths.Child(n.device, key)}
}

func (n *names) profileChild(key []byte) child {
	switch string(key) {
	case "objectId":
		return child{path: n.objectID, text: true}
	case "identity":
		return child{path: n.identity, text: true}
	case "all_identities":
		return child{path: n.identities, text: true}
	case "email":
		return child{path: n.email, text: true}
	case "phone":
		return child{path: n.phone, text: true}
	case "push_token":
		return child{path: n.pushToken, text: true}
	case "name":
		return child{path: n.fullName, text: true}
	case "platform":
		return child{path: n.osName, text: true}
	case "profileData":
		return child{path: n.profileData, mapping: profileData}
	}
	return child{path: n.paths.Child(n.traits, key)}
}

// isProfileKey reports whether a custom profile property is named like one of profile's own keys, in any spelling. It
// then stays below profileData, whether or not this record has the other.
func isProfileKey(key []byte) bool {
	if len(key) > len("all_identities") {
		return false
	}
	for _, own := range [...]string{
		"objectId", "identity", "all_identities", "email", "phone", "push_token", "name", "platform", "id", "df", "badKs",
	} {
		if len(own) == len(key) && strings.EqualFold(own, string(key)) {
			return true
		}
	}
	return false
}
