package federate

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
)

// A part of which everything large is refused does not hold all of it in memory; each message is noted all the same.
func TestRefusedMessagesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWaiting(1, func(error) {})
	message := json.RawMessage(`"` + string(bytes.Repeat([]byte("x"), 30_000)) + `"`)
	const n = 1000
	for i := range n {
		w.refused(strconv.Itoa(i), "400 Bad Request", bytes.Clone(message))
	}
	held, noted := 0, 0
	for i := range w.undelivered {
		u := &w.undelivered[i]
		held += len(u.Message)
		if json.Valid(u.Message) && u.Response != "" && u.MessageID == strconv.Itoa(i) {
			noted++
		}
	}
	if noted != n || held > undeliveredBytes+n*len("null") || held < undeliveredBytes/2 {
		t.Errorf("%d messages are noted, with %d bytes", noted, held)
	}
}
