package decode_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/schema"
)

// counter is an Occurrences that never forgets.
type counter map[[32]byte]uint64

func (c counter) Next(digest [32]byte) (uint64, error) {
	c[digest]++
	return c[digest], nil
}

func options(kind decode.Kind) decode.Options {
	return decode.Options{
		Kind: kind, Paths: schema.NewPaths(0), Occurrences: counter{}, Account: "ACC-1", Location: time.UTC,
	}
}

func newDecoder(tb testing.TB, kind decode.Kind) *decode.Decoder {
	tb.Helper()
	return newWith(tb, options(kind))
}

func newWith(tb testing.TB, opt decode.Options) *decode.Decoder {
	tb.Helper()
	d, err := decode.New(opt)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// one decodes the only record of a line.
func one(tb testing.TB, d *decode.Decoder, line string) schema.Event {
	tb.Helper()
	var ev schema.Event
	if !d.Line([]byte(line), &ev) {
		tb.Fatalf("no record in %q", line)
	}
	return ev
}

// leaves prints leaves in order as column=kind:text, or column=!reason.
func leaves(list []schema.Leaf) []string {
	out := []string{}
	for _, l := range list {
		switch {
		case l.Bad != "":
			out = append(out, fmt.Sprintf("%s=!%s", l.Path.Column, l.Bad))
		case l.Kind == schema.Time:
			out = append(out, fmt.Sprintf("%s=at:%s", l.Path.Column, instant(l.Time)))
		default:
			out = append(out, fmt.Sprintf("%s=%s:%s", l.Path.Column, [...]string{"", "bool", "num", "str", "arr"}[l.Kind], l.Text))
		}
	}
	return out
}

func discards(list []schema.Discard) []string {
	out := []string{}
	for _, d := range list {
		out = append(out, fmt.Sprintf("%s=%s %s", d.Column, d.Raw, d.Reason))
	}
	return out
}

func instant(at schema.Micros) string {
	if at == schema.NoTime {
		return ""
	}
	return time.UnixMicro(int64(at)).UTC().Format("2006-01-02T15:04:05.999999Z")
}
