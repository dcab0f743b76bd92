package clevertap_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/source/clevertap"
)

// TestOddNames asks for events by exactly the names that the account has, however odd: none is left out, none changed.
func TestOddNames(t *testing.T) {
	t.Parallel()
	names := []string{" Trailing ", "A/B & <C>?d=e#f%20", "Añadido 購入 🛒", `quote"back\slash`, "tab\there", "a:2026-01-01:b"}
	slices.Sort(names)
	var asked []string
	c := emptyAccountWith(t, names, func(body string) {
		var q struct {
			Event string `json:"event_name"`
		}
		if err := json.Unmarshal([]byte(body), &q); err != nil {
			t.Error(err)
		}
		asked = append(asked, q.Event)
	})
	events, err := c.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		w := clevertap.Window{Event: e.Name, Day: day(20260101)}
		if back, ok := clevertap.WindowOf("A", w.Key("A")); !ok || back != w {
			t.Errorf("key %q is of %+v", w.Key("A"), back)
		}
		read(t, clevertap.NewSource(clevertap.SourceOptions{Client: c, Location: india(t), Windows: []clevertap.Window{w}}))
	}
	if !slices.Equal(asked, names) {
		t.Errorf("asked for %q, want %q", asked, names)
	}
}

// TestRefusals tells answers apart that have the same status.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status  int
		body    string
		skipped clevertap.Refusal
		says    string
	}{
		"not given away, as a right":   {http.StatusForbidden, `{"status":"fail","error":"Export not allowed for this event","code":403}`, clevertap.ExportNotAllowed, ""},
		"not given away":               {http.StatusBadRequest, `{"status":"fail","error":"Export not allowed for this event","code":400}`, clevertap.ExportNotAllowed, ""},
		"not given away, all is well":  {http.StatusOK, `{"status":"fail","error":"Export not allowed for this event","code":400}`, clevertap.ExportNotAllowed, ""},
		"not known":                    {http.StatusBadRequest, `["Invalid event : A"]`, clevertap.UnknownEvent, ""},
		"no right":                     {http.StatusForbidden, `{"status":"fail","error":"Forbidden","code":403}`, "", "check the account id, the passcode and the region"},
		"a day that has not begun yet": {http.StatusBadRequest, `{"status":"fail","error":"To date is in the future","code":400}`, "", "check the time zone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}))
			t.Cleanup(s.Close)
			src := clevertap.NewSource(clevertap.SourceOptions{
				Client: clientWith(t, clevertap.Options{Account: "A", Passcode: "p", Endpoint: s.URL}), Location: india(t),
				Windows: []clevertap.Window{{Event: "A", Day: day(20260101)}},
			})
			g := read(t, src)
			if src.Skipped()["A"] != test.skipped || (len(g.failed) > 0) != (test.says != "") || !strings.Contains(fmt.Sprint(g.failed), test.says) {
				t.Errorf("skipped %v, failed %v", src.Skipped(), g.failed)
			}
		})
	}
}
