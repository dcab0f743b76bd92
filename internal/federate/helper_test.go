package federate_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/tapline/tapline/internal/federate/sink"
)

func newSink() *sink.Sink { return &sink.Sink{Key: writeKey} }

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func digest(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func sorted(ids []string) []string {
	slices.Sort(ids)
	return ids
}
