// Package stream keeps frames on disk until they are loaded: in NATS JetStream, by a server inside this process or by
// external ones, over one and the same client.
//
// Each source has a stream of its own, so that a source that cannot be loaded fills its own stream and no other. A stream
// keeps everything (limits retention, no age) until Tapline purges what is at or below the consumer's floor of acknowledged
// frames: a work queue would also forget on the consumer's word, but leaves nothing to look at between the two, and a stream
// kept by interest drops what arrives while it has no consumer. What finds no room is refused, nothing old is dropped.
//
// Whoever publishes may tell others that a frame is safe only if servers sync before they acknowledge. The embedded server
// does; of external ones it is asked, and they are refused if they do not or it cannot be known.
package stream

import (
	"errors"
	"time"
)

// Errors of Publish.
var (
	// ErrFull says that the stream, or the disk below it, has no room now.
	ErrFull = errors.New("the stream is full")
	// ErrUnavailable says that the server cannot be reached, or did not answer in time: whether the frame is kept is not known.
	ErrUnavailable = errors.New("the stream's server does not answer")
)

// SettingError says that a setting of a server or stream could lose acknowledged events, or stop the intake.
type SettingError struct {
	Where   string // such as stream TAPLINE_shop, or server n1
	Setting string // as its configuration names it
	Has     string
	Risk    string
	Fix     string // what to do
}

// Error names all of it.
func (e *SettingError) Error() string {
	return e.Where + " has " + e.Setting + " " + e.Has + ": " + e.Risk + ": " + e.Fix
}

// Info is how a stream stands.
type Info struct {
	Name    string
	Created time.Time
	// Messages and Bytes are what it holds, MaxBytes what it may.
	Messages        uint64
	Bytes, MaxBytes int64
	// Oldest is when the oldest frame arrived that is not acknowledged, zero if all are. Unloaded is how many are not.
	Oldest   time.Time
	Unloaded uint64
	// InHand is how many of these workers have taken and not yet acknowledged.
	InHand int
	// Floor is the sequence up to which all frames are acknowledged, Last that of the newest one.
	Floor, Last uint64
}
