package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"sync/atomic"
)

// requestIDs makes ids of requests: a random part that tells processes apart, and a count.
type requestIDs struct {
	process string
	count   *atomic.Uint64
}

func newRequestIDs() requestIDs {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return requestIDs{process: hex.EncodeToString(b[:]) + "-", count: new(atomic.Uint64)}
}

func (q requestIDs) next() string {
	var room [32]byte
	b := append(room[:0], q.process...)
	return string(strconv.AppendUint(b, q.count.Add(1), 10))
}
