package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tapline/tapline/schema"
)

// catalogueTables are Segment's names for the tables of the CleverTap source, in its order.
var catalogueTables = []string{
	"app_launched", "app_installed", "app_uninstalled", "app_version_changed", "notification_sent",
	"notification_viewed", "notification_clicked", "push_impressions", "notification_replied", "control_group",
	"channel_unsubscribed", "reply_sent", "webhook_delivered", "utm_visited", "ab_experiment_stopped",
	"ab_experiment_rolled_out", "ab_experiment_disqualified", "geocluster_entered", "geocluster_exited",
}

func TestCatalogueTables(t *testing.T) {
	t.Parallel()
	var got []string
	for _, ev := range schema.Catalogue() {
		got = append(got, ev.Table)
		if ev.Table != schema.TableName(ev.Name) {
			t.Errorf("table of %q: got %q, want %q", ev.Name, ev.Table, schema.TableName(ev.Name))
		}
	}
	if diff := cmp.Diff(catalogueTables, got); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

func TestCataloguePropertiesAreSound(t *testing.T) {
	t.Parallel()
	for _, ev := range schema.Catalogue() {
		checkDescription(t, ev.Name, ev.Description)
		columns := map[string]string{}
		for _, p := range ev.Properties {
			where := ev.Name + " / " + p.Name
			checkDescription(t, where, p.Description)
			if p.Column != schema.ColumnName(p.Name) {
				t.Errorf("%s: column %q, want %q", where, p.Column, schema.ColumnName(p.Name))
			}
			if schema.IsStandardColumn(p.Column) || strings.HasPrefix(p.Column, "context_") {
				t.Errorf("%s: column %q is the envelope's", where, p.Column)
			}
			if len(p.Column) > schema.MaxIdentifier {
				t.Errorf("%s: column of %d bytes", where, len(p.Column))
			}
			if twin, found := columns[p.Column]; found {
				t.Errorf("%s: column %q is also that of %q", where, p.Column, twin)
			}
			columns[p.Column] = p.Name
			if want := typeByRule21(p.Column); p.Type != want {
				t.Errorf("%s: type %s, want %s", where, p.Type, want)
			}
		}
	}
}

// checkDescription holds a description to the least that makes it one: a sentence that says more than the name.
func checkDescription(t *testing.T, name, description string) {
	t.Helper()
	if len(description) < 20 || !strings.HasSuffix(description, ".") {
		t.Errorf("%s: description %q is no sentence", name, description)
	}
	if strings.EqualFold(strings.TrimSuffix(description, "."), name) {
		t.Errorf("%s: the description repeats the name", name)
	}
}

func typeByRule21(column string) schema.Type {
	bigints := []string{"ct_session_id", "wzrk_ttl", "mp_processing_time_ms"}
	doubles := []string{"ct_latitude", "ct_longitude", "latitude", "longitude", "lat", "long"}
	switch {
	case slices.Contains(bigints, column):
		return schema.Bigint
	case slices.Contains(doubles, column):
		return schema.Double
	}
	return schema.Text
}

func TestCatalogueListsEveryDocumentedColumn(t *testing.T) {
	t.Parallel()
	const (
		campaign = " campaign_id campaign_name campaign_type wzrk_pivot wzrk_c2a journey_id campaign_labels"
		device   = " ct_os_version ct_network_carrier ct_network_type ct_connected_to_wifi ct_bluetooth_version" +
			" ct_bluetooth_enabled ct_latitude ct_longitude"
		push = " wzrk_id wzrk_pid wzrk_ttl wzrk_acct_id wzrk_rnv wzrk_pn wzrk_cid wzrk_bc wzrk_bi wzrk_bp wzrk_dl" +
			" wzrk_acts wzrk_animated wzrk_cts wzrk_sound"
		delivery = " wzrk_dt wzrk_push_amp wzrk_ck wzrk_ttl_s wzrk_st wzrk_nms wzrk_collapsible wzrk_mutable_content" +
			" wzrk_c2a_short_url wzrk_slide_no wzrk_click_inner_text wzrk_click_c2a wzrk_bpds wzrk_interruption_level" +
			" wzrk_relevance_score"
		client     = " browser user_agent client_name mime_type skip_tcm"
		experiment = " variant variant_id version experiment_id stickiness mutually_exclusive"
		geofence   = " latitude longitude network_carrier os_version application_version ct_connected_to_wifi" +
			" geofence_id cluster_name cluster_id"
	)
	for table, columns := range map[string]string{
		"app_launched":               device + " ct_connected_to_wi_fi ct_session_id model keyword ct_first_time",
		"app_installed":              " ct_latitude ct_longitude",
		"app_uninstalled":            " clevertap_id token source",
		"app_version_changed":        " ct_app_version_prev ct_latitude ct_longitude",
		"notification_sent":          campaign + " variant labels",
		"notification_viewed":        campaign + push + device + client + " variant ct_session_id",
		"notification_clicked":       campaign + push + delivery + device + client + " variant ct_session_id install",
		"push_impressions":           campaign + push + delivery + " variant ct_latitude ct_longitude ct_os_version ct_network_carrier",
		"notification_replied":       campaign + " variant wzrk_id message_id incoming_message_type incoming_text incoming_media_url destination_waba_number source_waba_number lat long qr_paylolad",
		"control_group":              campaign + " wzrk_id journey_name control_group_name",
		"channel_unsubscribed":       campaign + " variant resubscribed group type subscription_type identity reason clevertap_id mime_type",
		"reply_sent":                 campaign,
		"webhook_delivered":          campaign + " content_name ct_latitude ct_longitude all_identities session_props_session_source mp_processing_time_ms ts",
		"utm_visited":                campaign + push + delivery + device + " ct_connected_to_wi_fi ct_session_id variant utm_source utm_medium utm_campaign session_source session_referrer install provider install_time action browser button_id",
		"ab_experiment_stopped":      experiment,
		"ab_experiment_rolled_out":   experiment,
		"ab_experiment_disqualified": experiment,
		"geocluster_entered":         geofence + " ct_latitude ct_longitude ct_network_carrier ct_network_type ct_os_version",
		"geocluster_exited":          geofence,
	} {
		want := strings.Fields(columns + " ct_app_version ct_sdk_version ct_source")
		ev, found := schema.CatalogueTable(table)
		if !found {
			t.Errorf("no table %q", table)
			continue
		}
		var got []string
		for _, p := range ev.Properties {
			got = append(got, p.Column)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("columns of %s (-want +got):\n%s", table, diff)
		}
	}
}

func TestCatalogueTableUnknown(t *testing.T) {
	t.Parallel()
	if ev, found := schema.CatalogueTable("charged"); found || ev != nil {
		t.Errorf("got %v, %v, want nothing", ev, found)
	}
}

func TestFoldEvent(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"GeoCluster Entered":          "Geocluster Entered",
		"geoclusterexited":            "Geocluster Exited",
		"A/B Experiment Stopped":      "AB Experiment Stopped",
		"a/b experiment ROLLED out":   "AB Experiment Rolled Out",
		"AB Experiment Disqualified ": "AB Experiment Disqualified",
		"Push Impression":             "Push Impressions",
		"push impressions":            "Push Impressions",
		"  utm  visited":              "UTM Visited",
		"App_Launched":                "",
		"App\tLaunched":               "",
		"AppLaunchedX":                "",
		"App Launche":                 "",
		"ABExperimentDisqualifiedd":   "",
		"Charged":                     "",
		"ＡppLaunched":                 "", // a full-width A is not an ASCII one
		"/":                           "",
		"":                            "",
	} {
		got, ok := schema.FoldEvent([]byte(name))
		if got != want || ok != (want != "") {
			t.Errorf("FoldEvent(%q): got %q, %v, want %q", name, got, ok, want)
		}
	}
	for _, ev := range schema.Catalogue() {
		for _, spelling := range []string{ev.Name, strings.ToUpper(ev.Name), strings.ReplaceAll(ev.Name, " ", "")} {
			if got, ok := schema.FoldEvent([]byte(spelling)); got != ev.Name || !ok {
				t.Errorf("FoldEvent(%q): got %q, %v, want %q", spelling, got, ok, ev.Name)
			}
		}
	}
}

// Not parallel: AllocsPerRun counts the allocations of the whole process.
func TestFoldEventDoesNotAllocate(t *testing.T) {
	names := [][]byte{[]byte("A/B Experiment Rolled Out"), []byte("Product Viewed"), []byte("GeoCluster Exited")}
	allocs := testing.AllocsPerRun(100, func() {
		for _, name := range names {
			schema.FoldEvent(name)
		}
	})
	if allocs != 0 {
		t.Errorf("got %v allocations, want 0", allocs)
	}
}

func TestBaselineTables(t *testing.T) {
	t.Parallel()
	tables := schema.BaselineTables()
	if len(tables) != len(catalogueTables) {
		t.Fatalf("got %d tables, want %d", len(tables), len(catalogueTables))
	}
	for i, table := range tables {
		if table.Name != catalogueTables[i] || table.Comment == "" || table.View {
			t.Errorf("table %d: got %q, comment %q, view %v", i, table.Name, table.Comment, table.View)
		}
		if canonical, ok := schema.FoldEvent([]byte(table.Event)); !ok || canonical != table.Event {
			t.Errorf("%s: event %q is not the catalogue's", table.Name, table.Event)
		}
		names := columnNames(table.Columns)
		if diff := cmp.Diff([]string{"id", "received_at", "uuid_ts"}, names[:3]); diff != "" {
			t.Errorf("%s begins (-want +got):\n%s", table.Name, diff)
		}
		if !slices.IsSorted(names[3:]) || len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
			t.Errorf("%s: columns are not sorted, or not unique: %q", table.Name, names)
		}
		for _, c := range table.Columns {
			if standard := schema.IsStandardColumn(c.Name); standard != (len(c.Path) == 0) {
				t.Errorf("%s.%s: path %q", table.Name, c.Name, c.Path)
			} else if !standard && schema.ColumnName(c.Path...) != c.Name {
				t.Errorf("%s.%s: path %q does not lead there", table.Name, c.Name, c.Path)
			}
			checkDescription(t, table.Name+"."+c.Name, c.Comment)
		}
	}
}

func TestStandardColumns(t *testing.T) {
	t.Parallel()
	for table, want := range map[string]string{
		"app_launched": "id received_at uuid_ts anonymous_id event event_text original_timestamp sent_at timestamp user_id",
		"identifies":   "id received_at uuid_ts anonymous_id original_timestamp sent_at timestamp user_id",
		"pages":        "id received_at uuid_ts anonymous_id category name original_timestamp sent_at timestamp user_id",
		"screens":      "id received_at uuid_ts anonymous_id category name original_timestamp sent_at timestamp user_id",
		"groups":       "id received_at uuid_ts anonymous_id group_id original_timestamp sent_at timestamp user_id",
		"aliases":      "id received_at uuid_ts anonymous_id original_timestamp previous_id sent_at timestamp user_id",
		"users":        "id received_at uuid_ts",
		"accounts":     "id received_at uuid_ts",
	} {
		columns := schema.StandardColumnsOf(table)
		if diff := cmp.Diff(strings.Fields(want), columnNames(columns)); diff != "" {
			t.Errorf("columns of %s (-want +got):\n%s", table, diff)
		}
		for _, c := range columns {
			wantType := schema.Text
			if slices.Contains([]string{"received_at", "uuid_ts", "original_timestamp", "sent_at", "timestamp"}, c.Name) {
				wantType = schema.Timestamptz
			}
			if c.Type != wantType {
				t.Errorf("%s.%s: type %s, want %s", table, c.Name, c.Type, wantType)
			}
			checkDescription(t, table+"."+c.Name, c.Comment)
		}
	}
	if diff := cmp.Diff(schema.StandardColumns(), schema.StandardColumnsOf("app_launched")); diff != "" {
		t.Errorf("a track table's columns (-StandardColumns +StandardColumnsOf):\n%s", diff)
	}
}

func columnNames(columns []schema.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}
