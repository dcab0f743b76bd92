package clevertapfake

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed testdata
var files embed.FS

// File returns the bytes of an answer in testdata, by its name.
func File(name string) []byte {
	raw, err := files.ReadFile("testdata/" + name)
	if err != nil {
		panic(fmt.Sprintf("no such answer: %s", name)) // a name is a constant of this module
	}
	return raw
}

// Fault is something that goes wrong with an answer.
type Fault string

// The faults. Each but CursorLoop passes: the request that is made again, or the window that starts again, succeeds.
const (
	NoFault      Fault = ""
	TooMany      Fault = "429"             // HTTP 429
	Throttled    Fault = "code-1"          // HTTP 200, code 1
	InProgress   Fault = "code-2"          // HTTP 200, code 2
	StillRunning Fault = "partial"         // HTTP 200, status partial
	Accepted     Fault = "202"             // HTTP 202 without a body
	ServerError  Fault = "500"             // HTTP 500
	BadGateway   Fault = "502"             // HTTP 502 and a page of HTML
	HTML         Fault = "html"            // HTTP 200 and a page of HTML
	Cut          Fault = "cut"             // fewer bytes than announced
	CutClean     Fault = "cut-clean"       // the body ends in its middle, and nothing announced its length
	Hang         Fault = "hang"            // half a body, and then nothing
	Reset        Fault = "reset"           // the connection is gone
	NoRecords    Fault = "records-missing" // no records, though there is another page
	NullRecords  Fault = "records-null"    // records null, though there is another page
	EmptyPage    Fault = "empty-page"      // a page without records before each that has some
	Expired      Fault = "expired"         // the cursor is dead
	Overlap      Fault = "overlap"         // a page repeats the last two records of the page before
	CursorLoop   Fault = "loop"            // the next cursor is the one that was used
	Everything   Fault = "all"             // all that pass, in turn
)

// Faults returns all faults that pass.
func Faults() []Fault {
	return []Fault{
		TooMany, Throttled, InProgress, StillRunning, Accepted, ServerError, BadGateway, HTML, Cut, CutClean, Hang, Reset,
		NoRecords, NullRecords, EmptyPage, Expired, Overlap, Everything,
	}
}

// FaultOf returns the fault of that name.
func FaultOf(name string) (Fault, error) {
	f := Fault(name)
	if f == NoFault || f == CursorLoop || slices.Contains(Faults(), f) {
		return f, nil
	}
	names := []string{string(CursorLoop)}
	for _, f := range Faults() {
		names = append(names, string(f))
	}
	return NoFault, fmt.Errorf("unknown fault %q: use one of %s", name, strings.Join(names, ", "))
}

// atBegin reports whether a fault can happen to the first step, too.
func (f Fault) atBegin() bool {
	return !slices.Contains([]Fault{NoRecords, NullRecords, EmptyPage, Expired, Overlap, CursorLoop}, f)
}
