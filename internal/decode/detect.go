package decode

import (
	"bytes"
	"errors"
	"strings"

	"github.com/tapline/tapline/schema"
)

// ErrUnknownShape says that a file's first record is of no known shape.
var ErrUnknownShape = errors.New("the first record is neither a Segment call nor a CleverTap record: name the format with --format")

// Detect tells the kind of a file from its first line that is not blank, and the one after it, both as far as they
// are at hand: a line may be cut. A line that is no JSON object is taken for a CSV header, or for the event's name on
// top of a CleverTap export if a CleverTap record follows it (rule 31).
func Detect(first, second []byte) (Kind, error) {
	first, second = bytes.TrimSpace(first), bytes.TrimSpace(second)
	if len(first) > 0 && first[0] == '{' {
		if k := detectObject(first); k != 0 {
			return k, nil
		}
		return 0, ErrUnknownShape
	}
	if k := detectHeader(first); k != 0 {
		return k, nil
	}
	if len(second) > 0 && second[0] == '{' && detectObject(second) == CleverTap {
		return CleverTap, nil
	}
	return 0, ErrUnknownShape
}

// detectObject looks at the keys of a JSON object, up to where it ends or breaks off.
func detectObject(line []byte) Kind {
	d := Decoder{paths: schema.NewPaths(0)}
	has := map[string]bool{}
	for i := space(line, 1); i < len(line) && line[i] == '"'; {
		key, end, _ := d.unescape(line, i+1, special(line, i+1))
		if end < 0 {
			break
		}
		has[string(key)] = true
		if i = colon(line, end+1); i < 0 {
			break
		}
		if i = d.skip(line, i, len(line)); i < 0 {
			break
		}
		if i = space(line, i); i >= len(line) || line[i] != ',' {
			break
		}
		i = space(line, i+1)
	}
	switch {
	case has["eventName"], has["eventProps"], has["event_props"], has["records"], has["ts"] && has["profile"]:
		return CleverTap
	case has["type"], has["batch"], has["messageId"],
		has["event"] && (has["userId"] || has["anonymousId"] || has["properties"]):
		return Segment
	}
	return 0
}

// detectHeader looks at the names of a CSV header.
func detectHeader(line []byte) Kind {
	has := map[string]bool{}
	cleverTap, properties := false, false
	for i := 0; i <= len(line); i++ {
		end, _ := fieldEnd(line, i)
		name := strings.Trim(strings.TrimSpace(string(line[i:end])), `"`)
		has[name] = true
		prefix, _, dotted := strings.Cut(name, ".")
		f := cleverTapField([]byte(prefix))
		cleverTap = cleverTap || (dotted && (f == fProfile || f == fDeviceInfo || f == fProperties || f == fTraits))
		properties = properties || strings.HasPrefix(name, "prop:")
		i = end
	}
	switch {
	case has["ts"] && (has["eventName"] || cleverTap):
		return CleverTapCSV
	case has["event"] && (has["userId"] || has["anonymousId"] || has["messageId"] || has["timestamp"] || properties):
		return SegmentCSV
	}
	return 0
}
