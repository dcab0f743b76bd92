package federate

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

// Whatever way a server shows a key, it is not told, not even a piece of it where the text is cut.
func TestKeyIsMasked(t *testing.T) {
	t.Parallel()
	const key = `s3cr3t/"key"+<x>`
	tr := &transport{secrets: masks(key)}
	for _, form := range []string{
		key, base64.StdEncoding.EncodeToString([]byte(key + ":")), base64.StdEncoding.EncodeToString([]byte(key)),
		`s3cr3t/\"key\"+\u003cx\u003e`, "s3cr3t%2F%22key%22%2B%3Cx%3E", "s3cr3t/&#34;key&#34;+&lt;x&gt;",
	} {
		for _, before := range []int{0, 100, 3990, 1995, 499} {
			text := tr.describe(&http.Response{StatusCode: 400}, []byte(strings.Repeat(" a", before)+" "+form))
			if strings.Contains(text, "s3cr3t") || strings.Contains(text, form[:6]) {
				t.Errorf("%d words before: %q", before, text)
			}
		}
	}
	if text := tr.describe(&http.Response{StatusCode: 400}, []byte("wrong key "+key+"\n\x00 é")); text != "400 Bad Request: wrong key *** é" {
		t.Errorf("%q", text)
	}
}
