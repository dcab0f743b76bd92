package gateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Values of the headers by which browsers let pages of other sites send calls.
var (
	anyMethod = []string{"POST, GET, OPTIONS"}
	anyHeader = []string{"Authorization, Content-Type, Content-Encoding, X-Retry-Count, X-Requested-With"}
	longTime  = []string{"86400"}
	yes       = []string{"true"}
	byOrigin  = []string{"Origin"}
	anyone    = []string{"*"}
	exposed   = []string{"Retry-After, X-Request-Id"}
)

// cors lets pages of any site send calls and read the answers: write keys are made to be in such pages. The site is
// named, because a browser that is told to send its cookies along (as navigator.sendBeacon does) takes no star.
func (v *visit) cors() {
	header := v.w.Header()
	header["Vary"] = byOrigin
	header["Access-Control-Expose-Headers"] = exposed
	if origin := v.r.Header["Origin"]; len(origin) == 1 && origin[0] != "" {
		header["Access-Control-Allow-Origin"] = origin
		header["Access-Control-Allow-Credentials"] = yes
		return
	}
	header["Access-Control-Allow-Origin"] = anyone
}

// preflight answers a browser that asks before it sends.
func (v *visit) preflight() {
	header := v.w.Header()
	delete(header, "Content-Type")
	header["Access-Control-Allow-Methods"] = anyMethod
	header["Access-Control-Allow-Headers"] = anyHeader
	if asked := v.r.Header["Access-Control-Request-Headers"]; len(asked) == 1 && asked[0] != "" {
		header["Access-Control-Allow-Headers"] = asked
	}
	header["Access-Control-Max-Age"] = longTime
	v.status = http.StatusNoContent
	v.w.WriteHeader(v.status)
}

// projectKey returns the write key of the path of a project's settings.
func projectKey(path string) (string, bool) {
	below, ok := strings.CutPrefix(strings.TrimLeft(path, "/"), "v1/projects/")
	if !ok {
		return "", false
	}
	key, ok := strings.CutSuffix(below, "/settings")
	return key, ok && key != "" && !strings.Contains(key, "/")
}

// projectSettings is what Segment's browser client has to know before it sends: that calls go here and nowhere else.
type projectSettings struct {
	Integrations map[string]any `json:"integrations"`
	Plan         map[string]any `json:"plan"`
	Metrics      map[string]any `json:"metrics"`

	EdgeFunction       struct{} `json:"edgeFunction"`
	MiddlewareSettings struct{} `json:"middlewareSettings"`
	EnabledMiddleware  struct{} `json:"enabledMiddleware"`
	RemotePlugins      []any    `json:"remotePlugins"`
	LegacyVideo        bool     `json:"legacyVideoPluginsEnabled"`
	AnalyticsNext      bool     `json:"analyticsNextEnabled"`
}

// settings answers a browser's client that starts.
func (v *visit) settings() *refusal {
	key, _ := projectKey(v.r.URL.Path)
	if no := v.lookup(HashKey([]byte(key))); no != nil && no.status != http.StatusTooManyRequests {
		return no
	}
	protocol, host := v.public()
	everything := map[string]any{"__default": map[string]any{"enabled": true, "integrations": struct{}{}}}
	body, err := json.Marshal(projectSettings{
		Integrations: map[string]any{"Segment.io": map[string]any{
			"apiKey": key, "apiHost": host + "/v1", "protocol": protocol,
			"unbundledIntegrations": []string{}, "addBundledMetadata": true,
			"versionSettings": map[string]any{"version": "4.4.7", "componentTypes": []string{"browser"}},
		}},
		Plan:          map[string]any{"track": everything, "identify": everything, "group": everything},
		Metrics:       map[string]any{"sampleRate": 0},
		RemotePlugins: []any{}, AnalyticsNext: true,
	})
	if err != nil {
		return unavailable("unavailable", "settings cannot be made", 0, err)
	}
	v.w.Header().Set("Cache-Control", "private, max-age=60")
	v.reply(http.StatusOK, body)
	return nil
}

// public returns how browsers reach this host: the protocol, and the host with a path if there is one.
func (v *visit) public() (protocol, host string) {
	if u, err := url.Parse(v.h.cfg.PublicURL); err == nil && u.Host != "" {
		return u.Scheme, u.Host + strings.TrimRight(u.Path, "/")
	}
	protocol = "http"
	if v.r.TLS != nil || strings.EqualFold(v.r.Header.Get("X-Forwarded-Proto"), "https") {
		protocol = "https"
	}
	return protocol, v.r.Host
}
