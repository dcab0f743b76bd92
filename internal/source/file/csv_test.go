package file_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/source/file"
	"github.com/tapline/tapline/schema"
)

func TestCSV(t *testing.T) {
	t.Parallel()
	const header = "event,userId,messageId,prop:a\n"
	const h = int64(len(header))
	const x = "E,u,x,1"
	good := func(id, raw string, line, offset int64) got { return got{"", id, raw, line, h + offset} }
	bad := func(r schema.Reason, raw string, line, offset int64) got { return got{r, "", raw, line, h + offset} }
	long := strings.Repeat("y", decode.MaxEvent)
	fill := func(record string) string { // up to the limit
		return record + strings.Repeat("z", decode.MaxEvent-len(record))
	}
	tests := []struct {
		name, text string
		want       []got
	}{
		{"plain", x + "\n" + x, []got{good("x", x, 2, 0), good("x", x, 3, 8)}},
		{"CRLF", x + "\r\n" + x + "\r\n", []got{good("x", x, 2, 0), good("x", x, 3, 9)}},
		{"half a final CRLF", x + "\r", []got{good("x", x, 2, 0)}},
		{"blank lines", "\n\r\n" + x + "\n  \n\n", []got{good("x", x, 4, 3)}},
		{"empty cells", `E,u,x,` + "\n" + `E,u,x,""`, []got{good("x", `E,u,x,`, 2, 0), good("x", `E,u,x,""`, 3, 7)}},
		{"all quoted", `"E","u","x","1"` + "\n", []got{good("x", `"E","u","x","1"`, 2, 0)}},
		{"comma, quote and line ends inside", "E,u,x,\"a,\"\"b\"\"\r\n\n\"\n" + x, []got{
			good("x", "E,u,x,\"a,\"\"b\"\"\r\n\n\"", 2, 0), good("x", x, 5, 19),
		}},
		{"quote in a plain cell", `E,u,x,5" disk` + "\n" + x, []got{good("x", `E,u,x,5" disk`, 2, 0), good("x", x, 3, 14)}},
		{"too few, too many", "E,u,x\nE,u,x,1,2\n" + x, []got{
			bad(schema.WrongFieldCount, "E,u,x", 2, 0), bad(schema.WrongFieldCount, "E,u,x,1,2", 3, 6), good("x", x, 4, 16),
		}},
		{"quote open to the end", "E,u,x,\"a\n" + x + "\n" + x, []got{
			bad(schema.UnclosedQuote, `E,u,x,"a`, 2, 0), good("x", x, 3, 9), good("x", x, 4, 17),
		}},
		{"quote open on the last line", x + "\nE,u,x,\"a", []got{
			good("x", x, 2, 0), bad(schema.UnclosedQuote, `E,u,x,"a`, 3, 8),
		}},
		{"quote open at 32 KiB", "E,u,x,\"a\r\n" + x + "\n" + long + "\n" + long + "\n\"\n" + x, []got{
			bad(schema.UnclosedQuote, `E,u,x,"a`, 2, 0), good("x", x, 3, 10),
			bad(schema.WrongFieldCount, long, 4, 18), bad(schema.WrongFieldCount, long, 5, 18+decode.MaxEvent+1),
			bad(schema.UnclosedQuote, `"`, 6, 18+2*decode.MaxEvent+2), good("x", x, 7, 18+2*decode.MaxEvent+4),
		}},
		{"two stray quotes make one record", "E,u,x,\"a\nE,u,\"x,1\n" + x, []got{
			bad(schema.UnclosedQuote, `E,u,x,"a`, 2, 0), bad(schema.UnclosedQuote, `E,u,"x,1`, 3, 9), good("x", x, 4, 18),
		}},
		{"text after the closing quote", `E,u,x,"a"b` + "\n" + x, []got{
			bad(schema.UnclosedQuote, `E,u,x,"a"b`, 2, 0), good("x", x, 3, 11),
		}},
		{"Latin-1", "E,u,x,caf\xe9\n\"caf\xe9\n" + x, []got{
			bad(schema.InvalidUTF8, "E,u,x,caf\xe9", 2, 0), bad(schema.InvalidUTF8, "\"caf\xe9", 3, 11), good("x", x, 4, 17),
		}},
		{"record at the limit", fill("E,u,x,") + "\n" + x, []got{
			good("x", fill("E,u,x,"), 2, 0), good("x", x, 3, decode.MaxEvent+1),
		}},
		{"quoted record at the limit", "E,u,x,\"" + strings.Repeat("\n", decode.MaxEvent-8) + "\"\r\n" + x, []got{
			good("x", "E,u,x,\""+strings.Repeat("\n", decode.MaxEvent-8)+"\"", 2, 0),
			good("x", x, decode.MaxEvent-8+3, decode.MaxEvent+2),
		}},
		{"record over the limit", fill("E,u,x,") + "z\r\n" + x, []got{
			bad(schema.EventTooLarge, fill("E,u,x,")[:1024], 2, 0), good("x", x, 3, decode.MaxEvent+3),
		}},
		{"over the limit after a quoted line end", "E,u,\"\n\"," + long + "\n" + x, []got{
			bad(schema.EventTooLarge, ("E,u,\"\n\"," + long)[:1024], 2, 0), good("x", x, 4, 8+decode.MaxEvent+1),
		}},
		{"one line over the limit in a quote", "E,u,x,\"" + long + "\"\n" + x, []got{
			bad(schema.EventTooLarge, ("E,u,x,\"" + long)[:1024], 2, 0), good("x", x, 3, 7+decode.MaxEvent+2),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			events, err := readBytes(t, options(), "x.csv", []byte(header+tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCSVHeaders(t *testing.T) {
	t.Parallel()
	withEvent := options()
	withEvent.Format, withEvent.Event = file.FormatCleverTapCSV, "App Launched"
	segmentCSV := options()
	segmentCSV.Format = file.FormatSegmentCSV
	tests := []struct {
		name, text string
		opts       file.Options
		events     int
		failed     file.Reason
	}{
		{"BOM, quotes and blanks", "\ufeff\n\"event\", userId ,messageId\r\nE,u,x\r\n", options(), 1, ""},
		{"header alone", "event,userId,messageId", options(), 0, ""},
		{"twice", "event,userId,event\nE,u,E\n", options(), 0, file.DuplicateHeader},
		{"twice but for blanks", "event,userId,userId \nE,u,E\n", options(), 0, file.DuplicateHeader},
		{"empty", "event,userId,\nE,u,E\n", options(), 0, file.EmptyHeader},
		{"no event", "userId,messageId\nu,x\n", segmentCSV, 0, file.NoEventColumn},
		{"no event of CleverTap's", "ts,profile.identity\n20260102030405,u\n", options(), 0, file.NoEventColumn},
		{"event by hand", "ts,profile.identity\n20260102030405,u\n", withEvent, 1, ""},
		{"of no known shape", "a,b\n1,2\n", options(), 0, file.UnknownFormat},
		{"quote open", "event,\"userId\nE,u\n", segmentCSV, 0, file.UnknownFormat},
		{"Latin-1", "event,userId,caf\xe9\nE,u,x\n", options(), 0, file.UnsupportedEncoding},
	}
	for _, tt := range tests {
		events, err := readBytes(t, tt.opts, "x.csv", []byte(tt.text))
		if got := reasonOf(err); got != tt.failed || len(events) != tt.events {
			t.Errorf("%s: got %d events and %v, want %d and %q", tt.name, len(events), err, tt.events, tt.failed)
		}
	}
}
