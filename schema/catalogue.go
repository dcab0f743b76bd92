package schema

import (
	"slices"
	"strings"
)

// CatalogueEvent is one of CleverTap's system events: its table exists before the first event of it arrives.
type CatalogueEvent struct {
	// Name is the event as CleverTap writes it, Table the table it goes to.
	Name, Table string
	// Description says when CleverTap records the event; it becomes the table's comment.
	Description string
	// Properties are the event's known properties, each a column of its own.
	Properties []CatalogueProperty
}

// CatalogueProperty is one known property of a system event. Its column has a fixed type at every door (rule 21).
type CatalogueProperty struct {
	// Name is the property as CleverTap writes it. Where CleverTap has two spellings for one column (CT App Version
	// and ct_app_version) it is the one in title case. Column is where both go.
	Name, Column string
	// Description is what the value means to an analyst; it becomes the column's comment.
	Description string
	Type        Type
}

// Catalogue returns CleverTap's 19 system events in the order of Segment's page about the CleverTap source. The caller
// owns the result.
func Catalogue() []CatalogueEvent {
	described := catalogueEvents()
	events := make([]CatalogueEvent, len(described))
	for i := range described {
		events[i] = described[i].event()
	}
	return events
}

// CatalogueTable returns the system event whose table has that name. The caller owns the result.
func CatalogueTable(table string) (*CatalogueEvent, bool) {
	for _, d := range catalogueEvents() {
		if TableName(d.name) == table {
			ev := d.event()
			return &ev, true
		}
	}
	return nil, false
}

// BaselineTables returns the tables of the catalogue with all their columns: id, received_at and uuid_ts, then the
// rest in byte order of their names. The caller owns the result.
func BaselineTables() []Table {
	events := Catalogue()
	tables := make([]Table, len(events))
	for i, ev := range events {
		columns := StandardColumns()
		for _, p := range ev.Properties {
			columns = append(columns, Column{
				Name: p.Column, Type: p.Type, Path: []string{p.Name}, Comment: p.Description,
			})
		}
		// The key stands first, as in Segment's warehouses.
		slices.SortFunc(columns[3:], func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
		tables[i] = Table{Name: ev.Table, Event: ev.Name, Comment: ev.Description, Columns: columns}
	}
	return tables
}

// catalogueType returns the type of a property's column by rule 21.
func catalogueType(column string) Type {
	switch column {
	case "ct_session_id", "wzrk_ttl", "mp_processing_time_ms":
		return Bigint
	case "lat", "long":
		return Double
	}
	if strings.HasSuffix(column, "latitude") || strings.HasSuffix(column, "longitude") {
		return Double
	}
	return Text
}

// FoldEvent returns the catalogue's spelling of an event's name, and whether it has one. Case, spaces and slashes do
// not count, as they do not in CleverTap: "GeoCluster Entered" and "A/B Experiment Stopped" are system events, and so
// is "Push Impression", which CleverTap's own pages use for Push Impressions (rule 20). It does not allocate.
func FoldEvent(name []byte) (canonical string, ok bool) {
	var folded [len("abexperimentdisqualified")]byte
	n := 0
	for _, c := range name {
		if c == ' ' || c == '/' {
			continue
		}
		if n == len(folded) {
			return "", false
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		folded[n] = c
		n++
	}
	canonical = unfold(folded[:n])
	return canonical, canonical != ""
}

// unfold is a switch, not a map: the compiler searches it by length and bytes, without a copy of folded.
func unfold(folded []byte) string {
	switch string(folded) {
	case "applaunched":
		return eventAppLaunched
	case "appinstalled":
		return eventAppInstalled
	case "appuninstalled":
		return eventAppUninstalled
	case "appversionchanged":
		return eventAppVersionChanged
	case "notificationsent":
		return eventNotificationSent
	case "notificationviewed":
		return eventNotificationViewed
	case "notificationclicked":
		return eventNotificationClicked
	case "pushimpressions", "pushimpression":
		return eventPushImpressions
	case "notificationreplied":
		return eventNotificationReplied
	case "controlgroup":
		return eventControlGroup
	case "channelunsubscribed":
		return eventChannelUnsubscribed
	case "replysent":
		return eventReplySent
	case "webhookdelivered":
		return eventWebhookDelivered
	case "utmvisited":
		return eventUTMVisited
	case "abexperimentstopped":
		return eventABStopped
	case "abexperimentrolledout":
		return eventABRolledOut
	case "abexperimentdisqualified":
		return eventABDisqualified
	case "geoclusterentered":
		return eventGeoclusterEntered
	case "geoclusterexited":
		return eventGeoclusterExited
	}
	return ""
}

// StandardColumns returns the columns that every table of a track event has, id, received_at and uuid_ts first. The
// caller owns the result.
func StandardColumns() []Column {
	return append(keyColumns(), []Column{
		{Name: "anonymous_id", Type: Text, Comment: "Device or installation (CleverTap ID) that the event came from, " +
			"also before anybody logged in."},
		{Name: "event", Type: Text, Comment: "Table of the event: its name in snake_case, the same in every row."},
		{Name: "event_text", Type: Text, Comment: "Name of the event as the sender spelled it."},
		{Name: "original_timestamp", Type: Timestamptz, Comment: "When the event happened by the sender's clock, " +
			"not corrected."},
		{Name: "sent_at", Type: Timestamptz, Comment: "When the sender sent the event, by the sender's clock."},
		{Name: "timestamp", Type: Timestamptz, Comment: "When the event happened, corrected for the sender's clock " +
			"where that is known: the time to report by."},
		{Name: "user_id", Type: Text, Comment: "Identity of the logged-in user; empty for anonymous devices."},
	}...)
}

// StandardColumnsOf returns the columns that the table of that name has whatever is sent: identifies, pages, screens,
// groups and aliases have no event but what their call adds, users and accounts have only the key. Every other name is
// a track event's. The caller owns the result.
func StandardColumnsOf(table string) []Column {
	switch table {
	case TableUsers, TableAccounts:
		return keyColumns()
	case TableIdentifies:
		return callColumns()
	case TablePages, TableScreens:
		return callColumns(
			Column{Name: "category", Type: Text, Comment: "Group of pages or screens that the sender put this one in."},
			Column{Name: "name", Type: Text, Comment: "Title that the sender gave the page or screen."})
	case TableGroups:
		return callColumns(Column{Name: "group_id", Type: Text, Comment: "Account, company or team that the user joined; " +
			"the id in accounts."})
	case TableAliases:
		return callColumns(Column{Name: "previous_id", Type: Text, Comment: "Identity that the user had before; user_id is " +
			"the one that replaces it."})
	}
	return StandardColumns()
}

func keyColumns() []Column {
	return []Column{
		{Name: "id", Type: Text, Comment: "Key of the row: the messageId that was sent, or a digest of the record that " +
			"begins ct_ or ln_."},
		{Name: "received_at", Type: Timestamptz, Comment: "When the event arrived; for files the start of the load."},
		{Name: "uuid_ts", Type: Timestamptz, Comment: "When the row was loaded: one value for all rows of a load."},
	}
}

// callColumns are the standard columns without event and event_text and with extra, in byte order after the key.
func callColumns(extra ...Column) []Column {
	columns := slices.DeleteFunc(StandardColumns(), func(c Column) bool {
		return c.Name == "event" || c.Name == "event_text"
	})
	columns = append(columns, extra...)
	slices.SortFunc(columns[3:], func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
	return columns
}
