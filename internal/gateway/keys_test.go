package gateway_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/gateway"
)

func TestWriteKeys(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{}, gateway.ServeOptions{})
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	within := `{"writeKey":"` + goodKey + `","event":"E","userId":"u"}`
	tests := map[string]struct {
		authorization, body string
		status              int
		code                string // or the source
	}{
		"Basic":                            {basic(goodKey), aCall, 200, "CleverTap_Prod"},
		"Basic without a colon":            {"Basic " + b64(goodKey), aCall, 200, "CleverTap_Prod"},
		"Basic with a password":            {"Basic " + b64(goodKey+":secret"), aCall, 200, "CleverTap_Prod"},
		"Basic without padding":            {"Basic " + strings.TrimRight(b64(goodKey+":"), "="), aCall, 200, "CleverTap_Prod"},
		"Basic in small letters":           {"basic  " + b64(goodKey+":"), aCall, 200, "CleverTap_Prod"},
		"Bearer":                           {"Bearer " + goodKey, aCall, 200, "CleverTap_Prod"},
		"body":                             {"", within, 200, "CleverTap_Prod"},
		"body of a batch":                  {"", `{"batch":[` + aCall + `],"writeKey":"wk_any"}`, 200, "Anywhere"},
		"body, Basic without a name":       {"Basic " + b64(":"), within, 200, "CleverTap_Prod"},
		"body, Basic that is none":         {"Basic !", within, 200, "CleverTap_Prod"},
		"body, another scheme":             {"Digest x", within, 200, "CleverTap_Prod"},
		"body, Bearer of something else":   {"Bearer eyJhbGciOi", within, 200, "CleverTap_Prod"},
		"header before body":               {basic("wk_any"), within, 200, "Anywhere"},
		"unknown":                          {basic("nope"), aCall, 401, "unknown_key"},
		"unknown in Basic, known in body":  {basic("nope"), within, 401, "unknown_key"},
		"unknown Bearer":                   {"Bearer nope", aCall, 401, "unknown_key"},
		"unknown in the body":              {"", `{"writeKey":"nope"}`, 401, "unknown_key"},
		"far too long":                     {basic(strings.Repeat("k", 2000)), aCall, 401, "unknown_key"},
		"none":                             {"", aCall, 401, "no_key"},
		"empty in the body":                {"", `{"writeKey":""}`, 401, "no_key"},
		"only in a call of the batch":      {"", `{"batch":[` + within + `]}`, 401, "no_key"},
		"disabled":                         {basic("wk_off"), aCall, 403, "source_disabled"},
		"disabled, in the body":            {"", `{"writeKey":"wk_off"}`, 403, "source_disabled"},
		"of another region":                {basic("wk_us"), aCall, 403, "wrong_region"},
		"of a source that has no region":   {basic("wk_any"), aCall, 200, "Anywhere"},
		"prefix of a known one":            {basic(goodKey[:10]), aCall, 401, "unknown_key"},
		"a colon belongs to the password":  {basic("wk:colon"), aCall, 401, "unknown_key"},
		"a colon in the body":              {"", `{"writeKey":"wk:colon"}`, 200, "Colon"},
		"unknown, and the body is no JSON": {basic("nope"), "{", 401, "unknown_key"},
	}
	for name, tt := range tests {
		got := d.do(t, http.MethodPost, "/v1/track", strings.NewReader(tt.body), "Authorization", tt.authorization)
		taken := d.intake.taken()
		if tt.status == 200 {
			if got.status != 200 || len(taken) != 1 || taken[0].Source != tt.code {
				t.Errorf("%s: got %+v, taken %+v", name, got, taken)
			}
			continue
		}
		if got.status != tt.status || got.code() != tt.code || len(taken) != 0 {
			t.Errorf("%s: got %+v, taken %+v", name, got, taken)
		}
		// A challenge of Basic makes a browser ask people for a password, on every page that has the client.
		if challenge := got.header.Get("WWW-Authenticate"); (tt.status == 401) != strings.HasPrefix(challenge, "Bearer ") {
			t.Errorf("%s: WWW-Authenticate is %q", name, challenge)
		}
		if strings.Contains(got.body, "wk_") || strings.Contains(got.body, "nope") {
			t.Errorf("%s: the answer has the key: %s", name, got.body)
		}
	}
}

func TestRegionIsNotCheckedWithoutOne(t *testing.T) {
	t.Parallel()
	h, err := gateway.New(gateway.Config{Intake: &intake{}, Keys: someKeys()})
	if err != nil {
		t.Fatal(err)
	}
	got := record(h, "/v1/track", aCall, "wk_us")
	if got.Code != http.StatusOK {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
}

func TestRefusalNamesTheRegions(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{Region: "EU"}, gateway.ServeOptions{})
	if got := d.post(t, "/v1/track", aCall); got.status != http.StatusOK {
		t.Errorf("a region in capitals: got %+v", got)
	}
	got := d.do(t, http.MethodPost, "/v1/track", strings.NewReader(aCall), "Authorization", basic("wk_us"))
	if !strings.Contains(got.body, `\"us\"`) || !strings.Contains(got.body, `\"EU\"`) {
		t.Errorf("got %s", got.body)
	}
}

// blind are keys that are not known now.
type blind struct{}

func (blind) Lookup(gateway.KeyHash) (gateway.Source, error) {
	return gateway.Source{}, errors.New("nothing read yet")
}
func (blind) Ready() error { return errors.New("nothing read yet") }

func TestKeysThatAreNotKnownNowAreNotRefusedForGood(t *testing.T) {
	t.Parallel()
	d := open(t, gateway.Config{Keys: blind{}}, gateway.ServeOptions{})
	got := d.post(t, "/v1/track", aCall)
	if got.status != http.StatusServiceUnavailable || got.code() != "keys_unavailable" || got.header.Get("Retry-After") == "" {
		t.Errorf("got %+v", got)
	}
	if got := d.do(t, http.MethodGet, "/readyz", nil); got.status != http.StatusServiceUnavailable {
		t.Errorf("readyz: got %+v", got)
	}
}
