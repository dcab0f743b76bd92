package decode_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

// all decodes every record of a line into what a test compares.
func all(t *testing.T, d *decode.Decoder, line []byte) (out []seen) {
	t.Helper()
	var ev schema.Event
	for ok := d.Line(line, &ev); ok; ok = d.Next(&ev) {
		out = append(out, look(&ev))
	}
	return out
}

type seen struct {
	Reason               schema.Reason
	ID, Name, User, Anon string
	At                   string
	Properties, Context  []string
	Discards             []string
}

func look(ev *schema.Event) seen {
	return seen{
		ev.Reason, string(ev.ID), string(ev.Name), string(ev.UserID), string(ev.AnonymousID), instant(ev.Timestamp),
		leaves(ev.Properties), leaves(ev.Context), discards(ev.Discards),
	}
}

func readPage(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "testdata", "contract", "files", "clevertap", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func page(t *testing.T, name string) []seen {
	t.Helper()
	opt := options(decode.CleverTap)
	opt.EventName = "App Launched"
	return all(t, newWith(t, opt), readPage(t, name))
}

func TestCleverTapExport(t *testing.T) {
	t.Parallel()
	opt := options(decode.CleverTap)
	var err error
	if opt.Location, err = time.LoadLocation("Asia/Kolkata"); err != nil {
		t.Fatal(err)
	}
	got := all(t, newWith(t, opt), []byte(`{"ts":20260102030405,"eventName":"Notification Viewed","controlGroupName":"holdout",`+
		`"profile":{"identity":"u-1001,u-2","all_identities":["u-1001","pat@example.org"],"platform":"Android","phone":15550100,`+
		`"profileData":{"plan":"gold","joined":"$D_1700000000","Email":"own@example.org"}},`+
		`"session_props":{"utm_source":"x","utm_medium":null},`+
		`"deviceInfo":{"make":"acme","model":3310,"appVersion":"1.4.0","sdkVersion":70000,"osVersion":14,"dpi":420,"browser":"b",`+
		`"dimensions":{"width":65,"height":140.5,"unit":"mm"}},`+
		`"eventProps":{"CT Source":"Mobile","wzrk_ttl":1767400000,"when":"$D_1700000000","odd":"$D_x"}}`))
	if len(got) != 1 || !strings.HasPrefix(got[0].ID, "ct_") || len(got[0].ID) != 35 {
		t.Fatalf("got %+v, want one event with an id", got)
	}
	got[0].ID = ""
	want := []seen{{
		Name: "Notification Viewed", User: "u-1001", At: "2026-01-01T21:34:05Z",
		Properties: []string{
			"ct_source=str:Mobile", "wzrk_ttl=num:1767400000", "when=at:2023-11-14T22:13:20Z", "odd=str:$D_x",
			"utm_source=str:x", "control_group_name=str:holdout",
		},
		Context: []string{
			"context_traits_identity=str:u-1001,u-2", `context_traits_all_identities=arr:["u-1001","pat@example.org"]`,
			"context_os_name=str:Android", "context_traits_phone=str:15550100", "context_traits_plan=str:gold",
			"context_traits_joined=at:2023-11-14T22:13:20Z", "context_traits_profile_data_email=str:own@example.org",
			"context_device_manufacturer=str:acme", "context_device_model=str:3310", "context_app_version=str:1.4.0",
			"context_library_version=str:70000", "context_os_version=str:14", "context_screen_density=num:420",
			"context_device_browser=str:b", "context_screen_width=num:65", "context_screen_height=num:140.5",
			"context_screen_unit=str:mm", "context_clevertap_ts=num:20260102030405",
		},
		Discards: []string{},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCleverTapPages(t *testing.T) {
	t.Parallel()
	first, last, overlap := page(t, "page1.json"), page(t, "page3_last.json"), page(t, "page_overlap.json")
	if len(first) != 5 || len(last) != 3 || len(overlap) != 3 || len(page(t, "page2_empty_with_cursor.json")) != 0 {
		t.Fatalf("pages have %d, %d, %d records; want 5, 3, 3 and none", len(first), len(last), len(overlap))
	}
	if first[0].User != "1000" || first[0].Anon != "__ct0000" || first[0].At != "2026-01-15T10:00:00Z" {
		t.Errorf("first record is %+v", first[0])
	}
	// The first two records of the overlapping page are the last two of the first one.
	if overlap[0].ID != first[3].ID || overlap[1].ID != first[4].ID || overlap[2].ID == last[0].ID {
		t.Errorf("ids %v and %v do not overlap", first, overlap)
	}
	twins := page(t, "identical_twins.json")
	if len(twins) != 2 || twins[0].ID == twins[1].ID {
		t.Errorf("twins %+v, want two ids", twins)
	}
	if diff := cmp.Diff(twins, page(t, "identical_twins.json")); diff != "" {
		t.Errorf("a second reading differs:\n%s", diff)
	}
	if got := page(t, "missing_identity_large_int.json"); got[0].User != "9007199254740993123" || got[0].Anon != "__x" {
		t.Errorf("large identity: %+v", got[0])
	}
	if got := page(t, "truncated_body.json"); len(got) != 1 || got[0].Reason != schema.InvalidJSON {
		t.Errorf("cut page: %+v, want invalid_json", got)
	}
}

func TestCleverTapTimes(t *testing.T) {
	t.Parallel()
	got := page(t, "odd_ts.json")
	var at, ts, lost []string
	for _, g := range got {
		at = append(at, g.At)
		ts = append(ts, g.Context[len(g.Context)-1])
		lost = append(lost, strings.Join(g.Discards, " "))
	}
	if diff := cmp.Diff([]string{"", "2026-01-15T10:00:00Z", "", "2026-01-15T10:00:00Z", ""}, at); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"original_timestamp=20260230100000 invalid_timestamp", "", "original_timestamp=0 invalid_timestamp", "",
		"original_timestamp=null invalid_timestamp",
	}, lost); diff != "" {
		t.Errorf("discards (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"context_clevertap_ts=num:20260230100000", "context_clevertap_ts=num:20260115100000", "context_clevertap_ts=num:0",
		"context_clevertap_ts=num:1768471200", "context_traits_plan=str:pro",
	}, ts); diff != "" {
		t.Errorf("raw ts (-want +got):\n%s", diff)
	}
}

func TestLocalHours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, ts, want string }{
		{"Europe/Berlin", "20260115100000", "2026-01-15T09:00:00Z"},
		{"Europe/Berlin", "20260115105959", "2026-01-15T09:59:59Z"},
		{"Europe/Berlin", "20260329015959", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "20260329023000", "2026-03-29T01:30:00Z"}, // does not exist: as if 03:30
		{"Europe/Berlin", "20260329030000", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "20261025023000", "2026-10-25T00:30:00Z"}, // exists twice: the earlier
		{"Europe/Berlin", "20261025030000", "2026-10-25T02:00:00Z"},
		{"Europe/Berlin", "20261026030000", "2026-10-26T02:00:00Z"},
		{"Australia/Lord_Howe", "20260405014500", "2026-04-04T14:45:00Z"}, // half an hour twice
		{"Asia/Kolkata", "20260115000000", "2026-01-14T18:30:00Z"},
		{"UTC", "20260115240000", ""},
		{"UTC", "20260115006000", ""},
		{"UTC", "20260115000060", ""},
		{"UTC", "20261301000000", ""},
	} {
		opt := options(decode.CleverTap)
		var err error
		if opt.Location, err = time.LoadLocation(c.zone); err != nil {
			t.Fatal(err)
		}
		d := newWith(t, opt)
		line := `{"eventName":"E","profile":{"identity":"u"},"ts":` + c.ts + `}`
		for range 2 { // the second from the memory of the first
			if ev := one(t, d, line); instant(ev.Timestamp) != c.want {
				t.Errorf("%s in %s is %s, want %s", c.ts, c.zone, instant(ev.Timestamp), c.want)
			}
		}
		ambiguous, missing := d.Hours()
		twice := c.ts == "20261025023000" || c.zone == "Australia/Lord_Howe"
		if (ambiguous == 2) != twice || (missing == 2) != (c.ts == "20260329023000") {
			t.Errorf("%s in %s: %d ambiguous, %d missing", c.ts, c.zone, ambiguous, missing)
		}
	}
}

func TestCleverTapUsers(t *testing.T) {
	t.Parallel()
	const everything = `{"objectId":"__o","identity":"i","email":"e@x","phone":49,"push_token":"t"}`
	for _, c := range []struct {
		setting, profile, props string
		user, anon              string
		reason                  schema.Reason
	}{
		{"", everything, `{}`, "i", "__o", ""},
		{"email", everything, `{}`, "e@x", "__o", ""},
		{"phone", everything, `{}`, "49", "__o", ""},
		{"clevertap_id", everything, `{}`, "__o", "__o", ""},
		{"", `{"identity":" , a , b"}`, `{}`, "a", "", ""},
		{"", `{"objectId":""}`, `{"clevertapId":"__c"}`, "", "__c", ""},
		{"", `{}`, `{"Clevertap ID":"__c"}`, "", "__c", ""},
		{"", `{"push_token":"t"}`, `{}`, "", "push_e3b98a4da31a127d4bde6e43033f66ba", ""},
		{"", `{"all_identities":["","pat@x","b"],"email":"e@x"}`, `{}`, "pat@x", "", ""},
		{"", `{"all_identities":[],"email":"e@x","phone":1}`, `{}`, "e@x", "", ""},
		{"", `{"phone":15550100}`, `{}`, "15550100", "", ""},
		{"", `{}`, `{}`, "", "", schema.NoUserAnonID},
		{"", `null`, `{}`, "", "", schema.NoUserAnonID},
		{"", `{"identity":true}`, `{}`, "", "", schema.InvalidUserID},
		{"", `{"identity":1.5}`, `{}`, "", "", schema.InvalidUserID},
		{"", `{"objectId":"a\u0000"}`, `{}`, "", "", schema.NULCharacter},
		{"", `{"identity":"u"}`, `[]`, "", "", schema.InvalidProperties},
		{"", `[]`, `{"clevertapId":"__c"}`, "", "", schema.InvalidContext},
	} {
		opt := options(decode.CleverTap)
		opt.UserIdentity = c.setting
		ev := one(t, newWith(t, opt), `{"eventName":"E","profile":`+c.profile+`,"eventProps":`+c.props+`}`)
		if ev.Reason != c.reason {
			t.Errorf("%s %s: reason %q, want %q", c.profile, c.props, ev.Reason, c.reason)
		}
		if c.reason == "" && (string(ev.UserID) != c.user || string(ev.AnonymousID) != c.anon) {
			t.Errorf("%s %s %s: %q, %q; want %q, %q", c.setting, c.profile, c.props, ev.UserID, ev.AnonymousID, c.user, c.anon)
		}
	}
}

// Records that are the same event get the same id, whichever door, spelling or setting they come with.
func TestCleverTapIDs(t *testing.T) {
	t.Parallel()
	id := func(line, identity string) string {
		opt := options(decode.CleverTap)
		opt.EventName, opt.UserIdentity = "App Launched", identity
		ev := one(t, newWith(t, opt), line)
		if ev.Reason != "" {
			t.Fatalf("%s: %s", line, ev.Reason)
		}
		return string(ev.ID)
	}
	const base = `{"ts":20260115100000,"profile":{"identity":"u","email":"e"},"eventProps":{"CT App Version":"1","n":15,"l":["a","b"]}}`
	want := id(base, "identity")
	for _, same := range []string{
		`{"eventName":"app launched","ts":"20260115100000","profile":{"identity":"u,v","plan":5},"event_props":{"n":"15.0","l":"[a, b]","ct_app_version":1}}`,
		`{"eventName":"App Launched","ts":20260115100000,"profile":{"identity":"u"},"deviceInfo":{"make":"x"},"controlGroupName":"c",` +
			`"eventProps":{"l":[ "a", "b" ],"ct_app_version":"1.0","CT App Version":" 1 ","n":1.5e1,"gone":null,"empty":"","none":[]}}`,
		`{"ts":20260115100000,"profile":{"identity":"u"},"sessionProps":{"n":15},"eventProps":{"CT App Version":"1","l":["a","b"]}}`,
	} {
		if got := id(same, "identity"); got != want {
			t.Errorf("%s: id %s, want %s", same, got, want)
		}
	}
	if got := id(base, "email"); got != want {
		t.Errorf("the id depends on user_identity")
	}
	for _, other := range []string{
		strings.Replace(base, `"u"`, `"v"`, 1), strings.Replace(base, "20260115100000", "20260115100001", 1),
		strings.Replace(base, `15`, `16`, 2), strings.Replace(base, `"b"`, `"c"`, 1), strings.Replace(base, `{"ts"`, `{"eventName":"X","ts"`, 1),
		strings.Replace(base, `"n":15`, `"n":150`, 1), strings.Replace(base, `"n":15`, `"n":-15`, 1), strings.Replace(base, `"n":15`, `"m":15`, 1),
	} {
		if id(other, "identity") == want {
			t.Errorf("%s has the id of another event", other)
		}
	}
}

func TestEventNameLine(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"App Launched", ` "App Launched" `, "App Launched\r\n"} {
		d := newDecoder(t, decode.CleverTap)
		var ev schema.Event
		if d.Line([]byte(first), &ev) {
			t.Errorf("%q is taken for a record", first)
		}
		if ev := one(t, d, `{"ts":20260115100000,"profile":{"identity":"u"}}`); string(ev.Name) != "App Launched" {
			t.Errorf("after %q: event %q (%s)", first, ev.Name, ev.Reason)
		}
		if ev := one(t, d, `{"eventName":"Own","profile":{"identity":"u"}}`); string(ev.Name) != "Own" {
			t.Errorf("event %q, want Own", ev.Name)
		}
		if ev := one(t, d, "App Launched"); ev.Reason != schema.InvalidJSON {
			t.Errorf("a later name line: reason %q, want invalid_json", ev.Reason)
		}
	}
	if ev := one(t, newDecoder(t, decode.CleverTap), `{"profile":{"identity":"u"}}`); ev.Reason != schema.MissingEvent {
		t.Errorf("no name: reason %q, want missing_event", ev.Reason)
	}
	if ev := one(t, newDecoder(t, decode.CleverTap), "<html>"); ev.Reason != schema.InvalidJSON {
		t.Errorf("html: reason %q, want invalid_json", ev.Reason)
	}
}

func TestCleverTapOptions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*decode.Options){
		"time zone": func(o *decode.Options) { o.Location = nil },
		"account":   func(o *decode.Options) { o.Account = "" },
		"identity":  func(o *decode.Options) { o.UserIdentity = "name" },
		"paths":     func(o *decode.Options) { o.Paths = nil },
		"kind":      func(o *decode.Options) { o.Kind = 99 },
	} {
		opt := options(decode.CleverTap)
		change(&opt)
		if _, err := decode.New(opt); err == nil || !strings.Contains(err.Error(), strings.Fields(name)[0]) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestCleverTapRepeated(t *testing.T) {
	t.Parallel()
	d := newDecoder(t, decode.CleverTap)
	ev := one(t, d, `{"eventName":"E","profile":{"identity":"a","identity":"b"},"eventProps":{"n":1,"n":2},"event_props":{"m":1}}`)
	if string(ev.UserID) != "b" || !slices.Equal(leaves(ev.Properties), []string{"n=num:2", "m=num:1"}) {
		t.Errorf("user %q, properties %v", ev.UserID, leaves(ev.Properties))
	}
	if diff := cmp.Diff([]string{"n=1 duplicate_key", `context_traits_identity="a" duplicate_key`}, discards(ev.Discards)); diff != "" {
		t.Errorf("discards (-want +got):\n%s", diff)
	}
	if ev := one(t, d, `{"eventName":"E","eventName":"E"}`); ev.Reason != schema.DuplicateKey {
		t.Errorf("reason %q, want duplicate_key", ev.Reason)
	}
}
