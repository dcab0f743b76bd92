package gen_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tapline/tapline/internal/gen"
	"github.com/tapline/tapline/schema"
)

func write(t *testing.T, o gen.Options) ([]byte, gen.Stats) {
	t.Helper()
	var buf bytes.Buffer
	stats, err := gen.Write(&buf, o)
	if err != nil {
		t.Fatalf("write %+v: %v", o, err)
	}
	if stats.Bytes != int64(buf.Len()) {
		t.Errorf("stats say %d bytes, want %d", stats.Bytes, buf.Len())
	}
	return buf.Bytes(), stats
}

func lines(data []byte) [][]byte {
	return bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	for _, kind := range []gen.Kind{gen.Segment, gen.SegmentCSV, gen.CleverTap, gen.CleverTapCSV} {
		o := gen.Options{Seed: 7, Kind: kind, Events: 2000, Custom: 10, Hostile: 13, Duplicates: 17}
		first, _ := write(t, o)
		again, _ := write(t, o)
		if sha256.Sum256(first) != sha256.Sum256(again) {
			t.Errorf("%s: the same seed gave other bytes", kind)
		}
		o.Seed = 8
		if other, _ := write(t, o); bytes.Equal(first, other) {
			t.Errorf("%s: another seed gave the same bytes", kind)
		}
	}
}

// call is a Segment line as far as the tests look at it.
type call struct {
	Type, MessageID, Event, UserID, AnonymousID string
	Timestamp                                   time.Time
	Context, Properties                         map[string]any
}

func calls(t *testing.T, o gen.Options) []call {
	t.Helper()
	data, _ := write(t, o)
	var out []call
	for _, line := range lines(data) {
		var c call
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatalf("parse %s: %v", line, err)
		}
		out = append(out, c)
	}
	return out
}

func TestSegmentLines(t *testing.T) {
	t.Parallel()
	data, stats := write(t, gen.Options{Seed: 1, Events: 5000})
	total, usual := 0, 0
	for _, line := range lines(data) {
		if len(line) < 400 || len(line) > 1300 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
		if len(line) >= 500 && len(line) <= 1000 {
			usual++
		}
		total += len(line)
	}
	if mean := total / 5000; mean < 600 || mean > 900 {
		t.Errorf("mean length: got %d bytes, want 600 to 900", mean)
	}
	if usual < 4500 {
		t.Errorf("got %d of 5000 lines of 500 to 1000 bytes, want 4500", usual)
	}
	if stats.Records != 5000 || stats.Total() != 5000 || len(stats.Rows) != 19 {
		t.Errorf("got %d records, %d rows of %d events, want 5000 of 19", stats.Records, stats.Total(), len(stats.Rows))
	}
}

func TestSegmentCallsFollowTheCatalogue(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	to := from.AddDate(0, 1, 0)
	ids := map[string]bool{}
	met := map[string]map[string]bool{}
	filled := 0
	all := calls(t, gen.Options{Seed: 2, Events: 5000, From: from, To: to})
	for _, c := range all {
		if c.Type != "track" || len(c.MessageID) != 36 || ids[c.MessageID] || c.UserID+c.AnonymousID == "" {
			t.Errorf("bad envelope: %+v", c)
		}
		ids[c.MessageID] = true
		if c.Timestamp.Before(from) || !c.Timestamp.Before(to) {
			t.Errorf("%s at %s, want from %s to %s", c.Event, c.Timestamp, from, to)
		}
		ev, found := schema.CatalogueTable(schema.TableName(c.Event))
		if !found || ev.Name != c.Event {
			t.Fatalf("event %q is not in the catalogue", c.Event)
		}
		columns := met[c.Event]
		if columns == nil {
			columns = map[string]bool{}
			met[c.Event] = columns
		}
		for name, value := range c.Properties {
			column := schema.ColumnName(name)
			columns[column] = true
			checkProperty(t, ev, name, column, value)
		}
		filled += 9 + leaves(c.Context) + len(c.Properties) // 9 standard columns have a value
	}
	if mean := filled / len(all); mean < 22 || mean > 30 {
		t.Errorf("got %d columns filled a row, want about 25", mean)
	}
	if len(met) != 19 {
		t.Errorf("got %d events of the catalogue, want 19", len(met))
	}
	for name, columns := range met {
		if !columns["ct_source"] || !columns["ct_app_version"] && name != "App Uninstalled" && name != "Geocluster Exited" {
			t.Errorf("%s has not the properties of every event: %v", name, columns)
		}
	}
}

func leaves(object map[string]any) int {
	n := 0
	for _, v := range object {
		if inner, ok := v.(map[string]any); ok {
			n += leaves(inner)
		} else {
			n++
		}
	}
	return n
}

// checkProperty holds a property to its column: there must be one, and its type must take the value.
func checkProperty(t *testing.T, ev *schema.CatalogueEvent, name, column string, value any) {
	t.Helper()
	i := slices.IndexFunc(ev.Properties, func(p schema.CatalogueProperty) bool { return p.Column == column })
	if i < 0 {
		t.Errorf("%s has property %q, which the catalogue lacks", ev.Name, name)
		return
	}
	if _, isNumber := value.(float64); ev.Properties[i].Type != schema.Text && !isNumber {
		t.Errorf("%s: %q is %v, want a number", ev.Name, name, value)
	}
}

// The example queries of a funnel, of A/B variants and of churn must give sensible answers.
func TestFunnelsAreConsistent(t *testing.T) {
	t.Parallel()
	count := map[string]int{}
	sent := map[string]bool{} // user or device and campaign
	viewed := map[string]bool{}
	installed := map[string]time.Time{}
	for _, c := range calls(t, gen.Options{Seed: 3, Events: 40_000}) {
		count[c.Event]++
		key := c.UserID + c.AnonymousID + "|" + text(c.Properties["Campaign id"])
		switch c.Event {
		case "Notification Sent":
			sent[key] = true
			sent[c.UserID+"|"+text(c.Properties["Campaign id"])] = true
		case "Notification Viewed":
			viewed[key] = true
			if !sent[key] && !sent[c.UserID+"|"+text(c.Properties["Campaign id"])] {
				t.Errorf("viewed but not sent: %s", key)
			}
		case "Notification Clicked":
			if !viewed[key] {
				t.Errorf("clicked but not viewed: %s", key)
			}
		case "App Installed":
			installed[c.AnonymousID] = c.Timestamp
		case "App Uninstalled":
			if at, found := installed[c.AnonymousID]; found && c.Timestamp.Before(at) {
				t.Errorf("%s was removed before it was installed", c.AnonymousID)
			}
		}
	}
	between := func(a, b string, low, high float64) {
		t.Helper()
		if got := float64(count[a]) / float64(count[b]); got < low || got > high {
			t.Errorf("%s / %s: got %.3f, want %.2f to %.2f", a, b, got, low, high)
		}
	}
	between("Notification Viewed", "Notification Sent", 0.3, 0.5)
	between("Push Impressions", "Notification Sent", 0.3, 0.8)
	between("Notification Clicked", "Notification Viewed", 0.03, 0.1)
	between("Control Group", "Notification Sent", 0.03, 0.08)
	between("App Uninstalled", "App Installed", 0.1, 0.7)
	for _, rare := range []string{"Reply Sent", "AB Experiment Stopped", "Geocluster Exited", "Webhook Delivered"} {
		if share := float64(count[rare]) / 40_000; share < 0.001 || share > 0.02 {
			t.Errorf("%s: got a share of %.4f, want a rare event", rare, share)
		}
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func TestCustomAndOnly(t *testing.T) {
	t.Parallel()
	_, mixed := write(t, gen.Options{Seed: 4, Events: 5000, Custom: 20})
	for _, name := range []string{"Charged", "Product Viewed", "Added To Cart", "Signed Up", "App Launched"} {
		if mixed.Rows[name] == 0 {
			t.Errorf("no %s among 5000 events", name)
		}
	}
	_, custom := write(t, gen.Options{Seed: 4, Events: 500, Custom: 100})
	for name := range custom.Rows {
		if _, system := schema.FoldEvent([]byte(name)); system {
			t.Errorf("%s is no custom event", name)
		}
	}
	_, only := write(t, gen.Options{Seed: 4, Events: 300, Only: "AB Experiment Stopped"})
	if diff := cmp.Diff(map[string]int64{"AB Experiment Stopped": 300}, only.Rows); diff != "" {
		t.Errorf("rows of a single event (-want +got):\n%s", diff)
	}
}

func TestCleverTapLines(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 5*3600+1800)
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
	data, stats := write(t, gen.Options{Seed: 5, Events: 3000, Kind: gen.CleverTap, Custom: 10, From: from, TimeZone: zone})
	for _, line := range lines(data) {
		var r struct {
			TS        json.Number
			EventName string
			Profile   struct {
				Identity, ObjectID string
				PushToken          string `json:"push_token"`
				Phone              json.Number
			}
			DeviceInfo, EventProps map[string]any
			SessionProps           map[string]any `json:"session_props"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("parse %s: %v", line, err)
		}
		at, err := time.ParseInLocation("20060102150405", r.TS.String(), zone)
		if err != nil || at.Before(from) || !at.Before(from.AddDate(0, 1, 0)) {
			t.Errorf("ts %s: %v, want a local time in January", r.TS, err)
		}
		if r.Profile.Identity+r.Profile.ObjectID+r.Profile.PushToken == "" {
			t.Errorf("nobody did it: %s", line)
		}
		if (len(r.SessionProps) > 0) != (r.EventName == "UTM Visited") {
			t.Errorf("session properties of %s: %v", r.EventName, r.SessionProps)
		}
	}
	if stats.Total() != 3000 {
		t.Errorf("got %d rows, want 3000", stats.Total())
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	for kind, begin := range map[gen.Kind]string{
		gen.SegmentCSV:   "type,messageId,event,userId,anonymousId,timestamp,context.app.version,",
		gen.CleverTapCSV: "ts,eventName,profile.identity,profile.objectId,profile.all_identities,profile.platform,",
	} {
		data, stats := write(t, gen.Options{Seed: 6, Events: 2000, Kind: kind, Custom: 15})
		if !strings.HasPrefix(string(data), begin) {
			t.Errorf("%s begins %.90q, want %q", kind, data, begin)
		}
		rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll() // refuses records with another number of fields
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		header := slices.Sorted(slices.Values(rows[0]))
		if len(slices.Compact(header)) != len(rows[0]) {
			t.Errorf("%s: a column occurs twice: %q", kind, header)
		}
		if len(rows) != 2001 || stats.Records != 2000 {
			t.Errorf("%s: got %d rows for %d records, want 2001 for 2000", kind, len(rows), stats.Records)
		}
		for i, name := range rows[0] {
			if name != "prop:controlGroupName" && !slices.ContainsFunc(rows[1:], func(r []string) bool { return r[i] != "" }) {
				t.Errorf("%s: column %q is always empty", kind, name)
			}
		}
	}
}

type closing struct{ *bytes.Buffer }

func (closing) Close() error { return nil }

func TestWriteFilesIsWriteSplitByEvent(t *testing.T) {
	t.Parallel()
	o := gen.Options{Seed: 9, Events: 2000, Kind: gen.CleverTap}
	whole, want := write(t, o)
	files := map[string]*bytes.Buffer{}
	got, err := gen.WriteFiles(o, func(event string) (io.WriteCloser, error) {
		files[event] = new(bytes.Buffer)
		return closing{files[event]}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats (-Write +WriteFiles):\n%s", diff)
	}
	var parts []string
	for event, file := range files {
		for _, line := range lines(file.Bytes()) {
			if !bytes.Contains(line, []byte(`"eventName":"`+event+`"`)) {
				t.Errorf("file of %s has %s", event, line)
			}
			parts = append(parts, string(line))
		}
	}
	var all []string
	for _, line := range lines(whole) {
		all = append(all, string(line))
	}
	slices.Sort(parts)
	slices.Sort(all)
	if !slices.Equal(parts, all) {
		t.Errorf("the files have %d lines, not the same as the %d of one file", len(parts), len(all))
	}
	o.Kind = gen.CleverTapCSV
	headers := map[string]string{}
	files = map[string]*bytes.Buffer{}
	if _, err := gen.WriteFiles(o, func(event string) (io.WriteCloser, error) {
		files[event] = new(bytes.Buffer)
		return closing{files[event]}, nil
	}); err != nil {
		t.Fatal(err)
	}
	for event, file := range files {
		headers[event], _, _ = strings.Cut(file.String(), "\n")
	}
	if len(files) != 19 || headers["App Launched"] == headers["Notification Sent"] {
		t.Errorf("got %d CSV files, App Launched's header is %q", len(files), headers["App Launched"])
	}
	if strings.Contains(headers["App Launched"], "Campaign id") {
		t.Errorf("App Launched has columns of other events: %q", headers["App Launched"])
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	data, stats := write(t, gen.Options{Seed: 10, Events: 1000, Duplicates: 10})
	seen := map[string]bool{}
	repeats := int64(0)
	for _, line := range lines(data) {
		if seen[string(line)] {
			repeats++
		}
		seen[string(line)] = true
	}
	if repeats != 100 || stats.Repeats != 100 || stats.Total() != 900 || stats.Records != 1000 {
		t.Errorf("got %d repeats, stats %+v, want 100 of 1000", repeats, stats)
	}
	_, twins := write(t, gen.Options{Seed: 10, Events: 1000, Duplicates: 10, Kind: gen.CleverTap})
	if twins.Repeats != 0 || twins.Total() != 1000 {
		t.Errorf("CleverTap: got %d repeats and %d rows, want twins: 0 and 1000", twins.Repeats, twins.Total())
	}
}

func TestWide(t *testing.T) {
	t.Parallel()
	o := gen.Options{Seed: 11, Events: 600, Tables: 20, Columns: 50, Fill: 10}
	columns := map[string]map[string]bool{}
	for _, c := range calls(t, o) {
		if len(c.Properties) != 10 {
			t.Fatalf("got %d properties, want 10", len(c.Properties))
		}
		if columns[c.Event] == nil {
			columns[c.Event] = map[string]bool{}
		}
		for name := range c.Properties {
			columns[c.Event][name] = true
		}
	}
	if len(columns) != 20 {
		t.Errorf("got %d tables, want 20", len(columns))
	}
	for event, names := range columns {
		if len(names) != 50 {
			t.Errorf("%s: got %d columns, want 50", event, len(names))
		}
	}
}

func TestContradictions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]gen.Options{
		"kind":         {Kind: "xml"},
		"times":        {From: time.Unix(1000, 0), To: time.Unix(1000, 0)},
		"custom":       {Custom: 101},
		"only":         {Only: "Never Happens"},
		"only custom":  {Only: "Charged"},
		"only system":  {Only: "App Launched", Custom: 100},
		"wide kind":    {Tables: 3, Kind: gen.CleverTap},
		"wide hostile": {Tables: 3, Hostile: 3},
		"negative":     {Events: -1},
	} {
		if _, err := gen.Write(io.Discard, o); err == nil {
			t.Errorf("%s: %+v was accepted", name, o)
		}
	}
}
