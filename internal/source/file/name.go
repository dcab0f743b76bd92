package file

import (
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tapline/tapline/schema"
)

// Name is what the name of one of CleverTap's export files tells.
type Name struct {
	Event string    // as the catalogue spells it, else with blanks for hyphens: the name cannot tell them apart
	Day   time.Time // the day of its events, as midnight UTC
	Run   time.Time // when the export ran
	Index int       // which file of that event and day
}

// ParseName reads the name of an export file, with or without folders before it:
//
//	<request>-<run, epoch>-<event>-<yyyymmdd>-<index>-<database>.<json|csv|xml|parquet>[.gz|.gzip]
//
// The event may hold hyphens of its own, and so may, outside of what is documented, the request and the database: the run
// is the first field from the left that can be one, the day the first from the right with a number behind it.
func ParseName(name string) (Name, bool) {
	base := path.Base(filepath.ToSlash(name))
	base, ext, _ := strings.Cut(base, ".")
	if !isExport(ext) {
		return Name{}, false
	}
	fields := strings.Split(base, "-")
	run, at := findRun(fields)
	if at < 0 {
		return Name{}, false
	}
	day, index, end := findDay(fields)
	if end <= at+1 {
		return Name{}, false
	}
	n := Name{Day: day, Run: run, Index: index, Event: strings.TrimSpace(strings.Join(fields[at+1:end], " "))}
	if canonical, ok := schema.FoldEvent([]byte(n.Event)); ok {
		n.Event = canonical
	}
	return n, n.Event != ""
}

func isExport(ext string) bool {
	first, rest, _ := strings.Cut(strings.ToLower(ext), ".")
	return slices.Contains([]string{"json", "csv", "xml", "parquet", "gz", "gzip"}, first) &&
		(rest == "" || rest == "gz" || rest == "gzip")
}

// findRun returns the first field after the request's that is a time in epoch seconds or milliseconds.
func findRun(fields []string) (time.Time, int) {
	for i := 1; i < len(fields); i++ {
		n, err := strconv.ParseUint(fields[i], 10, 63)
		switch {
		case err != nil:
		case len(fields[i]) == 10:
			return time.Unix(int64(n), 0).UTC(), i
		case len(fields[i]) == 13:
			return time.UnixMilli(int64(n)).UTC(), i
		}
	}
	return time.Time{}, -1
}

// findDay returns the day and the index behind it, and which field the day is; 0 if there is none. A field follows them.
func findDay(fields []string) (day time.Time, index, at int) {
	for i := len(fields) - 3; i > 0; i-- {
		day, err := time.Parse("20060102", fields[i])
		if err != nil {
			continue
		}
		if index, err := strconv.ParseUint(fields[i+1], 10, 31); err == nil {
			return day, int(index), i
		}
	}
	return time.Time{}, 0, 0
}

// ParseSegmentLogs reads the name of an object that Segment's raw logs are copied to, with or without a prefix:
//
//	segment-logs/<source id>/<day received, its UTC midnight in Unix milliseconds>/<name>
func ParseSegmentLogs(name string) (sourceID string, day time.Time, ok bool) {
	fields := strings.Split(filepath.ToSlash(name), "/")
	for i := len(fields) - 4; i >= 0; i-- {
		if fields[i] != "segment-logs" || fields[i+1] == "" || len(fields[i+2]) != 13 {
			continue
		}
		if ms, err := strconv.ParseInt(fields[i+2], 10, 63); err == nil && ms > 0 {
			return fields[i+1], time.UnixMilli(ms).UTC(), true
		}
	}
	return "", time.Time{}, false
}

// DayOf returns the day that a name tells: of the events of a CleverTap export, or when Segment received them.
func DayOf(name string) (time.Time, bool) {
	if n, ok := ParseName(name); ok {
		return n.Day, true
	}
	_, day, ok := ParseSegmentLogs(name)
	return day, ok
}
