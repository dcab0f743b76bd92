package schema_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tapline/tapline/schema"
)

// TestNamesFollowSegment holds go-snakecase's own vectors, and what Segment's documentation shows.
func TestNamesFollowSegment(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"@49L0S145_¬fwHƒ0TSLNVp": "49l0s145_fw_h_0tslnvp", "lk0B@bFmjrLQ_Z6YL": "lk0_b_b_fmjr_lq_z6yl",
		"samPLE text": "sam_ple_text", "sample text": "sample_text", "sample-text": "sample_text",
		"sample_text": "sample_text", "sample___text": "sample_text", "sampleText": "sample_text",
		"inviteYourCustomersAddInvites": "invite_your_customers_add_invites", "sample 2 Text": "sample_2_text",
		"   $#$sample   2    Text   ": "sample_2_text", "___$$Base64Encode": "base64_encode",
		"FOO:BAR$BAZ": "foo_bar_baz", "FOO#BAR#BAZ": "foo_bar_baz", "something.com": "something_com",
		"$something%": "something", "•¶§ƒ˚foo˙∆˚¬": "foo", "CStringRef": "cstring_ref", "5test": "5test",
		"THE5r": "the5r", "5TEst": "5test", "_5TEst": "5test", "edf_6N": "edf_6n", "f_pX9": "f_p_x9",
		"p_z9Rg": "p_z9_rg", "2FA Enabled": "2fa_enabled", "Enabled 2FA": "enabled_2fa",
		"Order Completed": "order_completed", "App Launched": "app_launched", "select": "select", "pg_class": "pg_class",
	} {
		if got := schema.TableName(in); got != want {
			t.Errorf("TableName(%q) = %q, want %q", in, got, want)
		}
		if got := schema.ColumnName(in); got != want {
			t.Errorf("ColumnName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNamesThatSegmentHasNoAnswerFor(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ab ", 30) // 89 bytes in snake_case
	for _, c := range []struct{ got, want string }{
		{schema.TableName("💥"), "event_0fadd2ce"},
		{schema.TableName(""), "event_e3b0c442"},
		{schema.ColumnName("💥"), "prop_0fadd2ce"},
		{schema.ColumnName("a", "", "b"), "a_prop_e3b0c442_b"},
		{schema.TableName("Tracks"), "_tracks"},
		{schema.TableName("users"), "_users"},
		{schema.TableName("Aliases"), "_aliases"},
		{schema.TableName("xmin"), "xmin"},
		{schema.ColumnName("xmin"), "_xmin"},
		{schema.ColumnName("CTID"), "_ctid"},
		{schema.ColumnName("a", "ctid"), "a_ctid"},
		{schema.ColumnName("tracks"), "tracks"},
		{schema.ColumnName("Deep Er", "ID"), "deep_er_id"},
		{schema.TableName(long)[:55], strings.Repeat("ab_", 18) + "_"},
		{schema.TableName("_loads"), "loads"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if a, b := schema.TableName(long), schema.TableName(long+"c"); a == b || len(a) != 63 || len(b) != 63 {
		t.Errorf("two long names are %q and %q, want two of 63 bytes", a, b)
	}
	if name := strings.Repeat("x", 63); schema.TableName(name) != name {
		t.Error("a name of 63 bytes is cut")
	}
}

func TestSchemaName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"CleverTap_Prod": "clevertap_prod", " Web  Shop! ": "web_shop", "7eleven": "7eleven", "Tap-Line": "tap_line",
		"": "", "💥": "", "pg_x": "", "PG Catalog": "", "Information Schema": "", "public": "", "Tapline": "",
		"a\nb": "", "a\x7f": "", "a\u0085b": "", "a\xffb": "", strings.Repeat("x", 64): "",
	} {
		got, err := schema.SchemaName(in)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("SchemaName(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	if err := schema.CheckSchemaName(`x"; drop`); err == nil {
		t.Error("a name that has to be quoted is accepted")
	}
}

// TestPathsAgreeWithColumnName compares the interned names with those made at once, also beyond the interner's limit.
func TestPathsAgreeWithColumnName(t *testing.T) {
	t.Parallel()
	paths := schema.NewPaths(20)
	for round := range 2 {
		for _, keys := range [][]string{
			{"a"},
			{"A b", "xmin"},
			{"xmin"},
			{"", "💥", "c"},
			{strings.Repeat("long", 10), strings.Repeat("er", 20)},
			{"context", "x"},
			{"id"},
			{"writeKey"},
			{"n1"},
			{"n2"},
			{"n3"},
			{"n4"},
			{"n5"},
			{"n6", "n7", "n8", "n9", "n10"},
		} {
			p := paths.Root(schema.SectionProperty)
			for _, k := range keys {
				p = paths.Child(p, []byte(k))
			}
			if want := schema.ColumnName(keys...); p.Column != want || strings.Join(p.Keys(), "\x00") != strings.Join(keys, "\x00") {
				t.Errorf("round %d: path %q is column %q, want %q", round, p.Keys(), p.Column, want)
			}
			if want := p.Column == "id" || p.Column == "context_x"; p.Reserved != want {
				t.Errorf("path %q: reserved is %t", keys, p.Reserved)
			}
			if p.WriteKey != (keys[0] == "writeKey") {
				t.Errorf("path %q: write key is %t", keys, p.WriteKey)
			}
		}
	}
	if paths.Len() != 20 {
		t.Errorf("%d paths are interned, want the limit of 20", paths.Len())
	}
	if a := paths.Root(schema.SectionContext); paths.Child(a, []byte("IP")).Column != "context_ip" {
		t.Error("context.IP is not context_ip")
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{
		"", "Order Completed", "💥", "xmin", "users", "a\x00b", "\xff\xfe", strings.Repeat("é", 70), strings.Repeat("aB", 70),
		"İ", "ſ", "K", "_", "ctid_", strings.Repeat("_x", 40),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range []string{schema.TableName(s), schema.ColumnName(s), schema.ColumnName(s, s)} {
			if name == "" || len(name) > schema.MaxIdentifier || !utf8.ValidString(name) {
				t.Fatalf("%q becomes %q, which is no identifier", s, name)
			}
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
				t.Fatalf("%q becomes %q, which has other characters than a-z, 0-9 and _", s, name)
			}
		}
		table, column := schema.TableName(s), schema.ColumnName(s)
		// A name that Tapline made stays itself, but for the marks of names that are taken or too long.
		if again := schema.TableName(table); table[0] != '_' && len(table) < schema.MaxIdentifier && again != table {
			t.Fatalf("the event %q becomes %q, and that %q", s, table, again)
		}
		if again := schema.ColumnName(column); column[0] != '_' && len(column) < schema.MaxIdentifier && again != column {
			t.Fatalf("the property %q becomes %q, and that %q", s, column, again)
		}
		if schema.IsStandardTable(table) || schema.IsInternal(table) {
			t.Fatalf("the event %q gets the table %q", s, table)
		}
		switch column {
		case "tableoid", "xmin", "xmax", "cmin", "cmax", "ctid":
			t.Fatalf("the property %q gets the column %q", s, column)
		}
	})
}
