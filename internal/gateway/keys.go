package gateway

import (
	"crypto/sha256"
	"errors"
)

// KeyHash is the SHA-256 of a write key as the client sent it. Keys themselves are neither kept nor passed on.
type KeyHash [sha256.Size]byte

// HashKey returns the hash of a write key.
func HashKey(key []byte) KeyHash { return sha256.Sum256(key) }

// Source is what the door has to know of the source that a write key belongs to.
type Source struct {
	// Nickname names the source everywhere else: in requests handed to the Intake, in logs and metrics.
	Nickname string
	// Region is where the source's events may be taken ("us", "eu"); empty for anywhere.
	Region string
	// Disabled sources get no events: the client is told so.
	Disabled bool
}

// Keys finds the source of a write key. It is asked for every request, by many goroutines, and so answers from memory.
// Hashes are compared in constant time, and an unknown key costs as much as a known one.
type Keys interface {
	// Lookup returns the source of an active key. The error is ErrUnknownKey if there is none and clients are to be told
	// that for good; any other error means that it is not known now (nothing read yet, or what was read is too old), and
	// clients are asked to come again.
	Lookup(hash KeyHash) (Source, error)
	// Ready returns nil while Lookup can tell known keys from unknown ones, else why not.
	Ready() error
}

// ErrUnknownKey is the error of Keys for a key that belongs to no source, or was revoked.
var ErrUnknownKey = errors.New("unknown write key")
