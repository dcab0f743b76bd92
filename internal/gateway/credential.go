package gateway

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// maxKey is the length of the longest write key, in bytes. Longer ones are unknown.
const maxKey = 256

// credential is what a request's Authorization header says.
type credential struct {
	hash  KeyHash
	given bool
	// token says that it is a Bearer token. Clients that use Segment's OAuth have one, and their write key in the body.
	token bool
}

// authorization reads an Authorization header: Basic with the key as the user's name, with or without a colon and a
// password, or Bearer. Anything else gives no key.
func authorization(header string) credential {
	scheme, value, _ := strings.Cut(header, " ")
	value = strings.Trim(value, " ")
	switch {
	case value == "":
		return credential{}
	case strings.EqualFold(scheme, "Bearer"):
		return credential{hash: HashKey([]byte(value)), given: true, token: true}
	case !strings.EqualFold(scheme, "Basic"):
		return credential{}
	}
	var room [maxKey * 2]byte
	value = strings.TrimRight(value, "=")
	if base64.RawStdEncoding.DecodedLen(len(value)) > len(room) {
		return credential{given: true} // of no key at all
	}
	n, err := base64.RawStdEncoding.Decode(room[:], []byte(value))
	key, _, _ := bytes.Cut(room[:n], []byte(":"))
	if err != nil || len(key) == 0 {
		return credential{}
	}
	return credential{hash: HashKey(key), given: true}
}
