package gateway_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"unicode/utf8"

	"github.com/tapline/tapline/internal/gateway"
)

// Any body, with any encoding: a 200 means that exactly what was sent is taken, and it is one JSON object.
func FuzzBody(f *testing.F) {
	zipped := zip(f, aCall)
	for _, s := range []string{
		aCall, zipped, zipped[:10], zip(f, "", "{}"), `{"batch":[1]}`, "[]", "\xef\xbb\xbf{}\r\n", "\x1f\x8b", `{"writeKey":"` + goodKey + `"}`,
	} {
		f.Add([]byte(s), "gzip", "Basic eDo=")
		f.Add([]byte(s), "", basic(goodKey))
	}
	in := &intake{}
	h, err := gateway.New(gateway.Config{Intake: in, Keys: someKeys()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, encoding, authorization string) {
		in.taken()
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/v1/batch", bytes.NewReader(body))
		r.Header.Set("Content-Encoding", encoding)
		r.Header.Set("Authorization", authorization)
		h.ServeHTTP(w, r)
		taken := in.taken()
		if (w.Code == http.StatusOK) != (len(taken) == 1) {
			t.Fatalf("status %d, %d taken", w.Code, len(taken))
		}
		if w.Code != http.StatusOK {
			if (reply{w.Code, w.Header(), w.Body.String()}).code() == "" || w.Code >= 500 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			return
		}
		sent := body
		if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatalf("taken, but: %v", err)
			}
			if sent, err = io.ReadAll(z); err != nil {
				t.Fatalf("taken, but: %v", err)
			}
		}
		got := taken[0].Body
		if !bytes.Contains(sent, got) || len(sent)-len(got) > 5 {
			t.Fatalf("%q was sent, %q taken", sent, got)
		}
		if !json.Valid(got) || !utf8.Valid(got) || bytes.TrimLeft(got, " \t\r\n")[0] != '{' {
			t.Fatalf("taken: %q", got)
		}
	})
}
