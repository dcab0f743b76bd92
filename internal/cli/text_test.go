package cli_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tapline/tapline/internal/cli"
)

func TestBar(t *testing.T) {
	t.Parallel()
	got := cli.Bar(120, "/in/events.ndjson.gz", 30<<20, 120<<20, 2, 12, 182_331, 10*time.Second)
	want := "██████░░░░░░░░░░░░░░░░░░   25%  182,331 events/s  ETA 30s  30 MiB of 120 MiB  file 3/12  events.ndjson.gz"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if bar := cli.Bar(80, "", 0, 120, 0, 1, 0, 0); bar != "preparing the schema ..." {
		t.Errorf("before a file is read: got %s", bar)
	}
	if bar := cli.Bar(80, "", 0, 0, 0, 1, 0, 0); bar != "waiting for input ..." {
		t.Errorf("before anything is typed: got %s", bar)
	}
	for width := 30; width < 130; width++ {
		for _, bar := range []string{
			cli.Bar(width, "/in/"+strings.Repeat("ä", 200), 1, 120<<40, 99_999, 100_000, 1_000_000, time.Hour),
			cli.Bar(width, "stdin", 120, 120, 1, 1, 0, time.Minute),
			cli.Bar(width, "", 0, 0, 0, 0, 0, 0),
		} {
			if n := utf8.RuneCountInString(bar); n >= width {
				t.Errorf("%d columns are too many for %d: %s", n, width, bar)
			}
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain ü 日本":         "plain ü 日本",
		"a\x1b[31mb\r\n\x00": `a\x1b[31mb\r\n\x00`,
		"bad \xff\xfe utf8":  `bad \xff\xfe utf8`,
		"\u202egpj.exe":      `\u202egpj.exe`, // would be shown from right to left
		"\ufffd":             `\ufffd`,
	} {
		if got := cli.Printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		if got := cli.Number(n); got != want {
			t.Errorf("%d: got %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 10 << 20: "10 MiB", 1 << 40: "1.0 TiB"} {
		if got := cli.Size(n); got != want {
			t.Errorf("%d: got %s", n, got)
		}
	}
	for s, want := range map[string]string{"a-b_1.2": "a-b_1.2", "a b": "'a b'", "": "''", "it's": `'it'\''s'`, "$(x)": "'$(x)'"} {
		if got := cli.ShellWord(s); got != want {
			t.Errorf("%q: got %s", s, got)
		}
	}
}
