package clevertap

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Codes that stand in an answer's body, as CleverTap's own example has them.
const (
	codeThrottled  = 1
	codeInProgress = 2
)

// class says what an answer means that came with HTTP 200: errors do, too.
func (a *answer) class() class {
	switch {
	case a.code == codeThrottled, a.code == http.StatusTooManyRequests:
		return classThrottle
	case a.code == codeInProgress, a.code == http.StatusAccepted, a.status == "partial":
		return classPending
	case a.status == "success":
		return classNone
	case a.request && a.status == "" && a.err == "":
		return classPending
	case a.status == "fail" || a.err != "":
		return classOfText(a.code, a.err)
	}
	return classFault
}

// text is what an answer says when it is not what was asked for.
func (a *answer) text() string {
	if a.err == "" {
		return "status " + strconvQuote(a.status)
	}
	return a.err
}

func strconvQuote(s string) string {
	raw, _ := json.Marshal(s) //nolint:errchkjson // a string
	return string(raw)
}

// refusal is the error of an answer with another status than 200.
func (c *Client) refusal(resp *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxValue)) // what is missing of it would not help
	code, text := said(raw)
	e := &ReplyError{Status: resp.StatusCode, Code: code, Text: c.clean(text), class: classBad}
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests || code == http.StatusTooManyRequests || code == codeThrottled:
		e.class = classThrottle
	case s == http.StatusAccepted || s == http.StatusNoContent || code == codeInProgress:
		e.class = classPending
	case s < 500 && classOfText(0, text) == classRefused: // of one event, whatever the status is
		e.class = classRefused
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		e.class = classDenied
	case s >= 500, s == http.StatusRequestTimeout:
		e.class = classFault
	case s >= 400:
		e.class = classOfText(s, text)
	}
	return e
}

// said returns what an error's body says: an object with error and code, an array of texts, or anything.
func said(raw []byte) (code int, text string) {
	var body struct {
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
		Code    json.RawMessage `json:"code"`
	}
	if json.Unmarshal(raw, &body) == nil && len(body.Error)+len(body.Message) > 0 {
		if len(body.Error) == 0 {
			body.Error = body.Message
		}
		return number(body.Code), words(body.Error)
	}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		return 0, words(raw)
	}
	return 0, string(raw)
}

// classOfText tells errors apart that have nothing but their words: the API gives all of them the same code. What is not known is
// no reason to ask again.
func classOfText(code int, text string) class {
	text = strings.ToLower(text)
	has := func(words ...string) bool {
		for _, w := range words {
			if !strings.Contains(text, w) {
				return false
			}
		}
		return true
	}
	switch {
	case has("too many", "request"):
		return classThrottle
	case has("in progress"), has("retry later"):
		return classPending
	case has("export", "not allowed"):
		return classRefused
	case has("invalid event"):
		return classUnknown
	case has("cursor"):
		return classExpired
	case has("credential"), has("passcode"), has("account id"), has("unauthori"), code == http.StatusUnauthorized, code == http.StatusForbidden:
		return classDenied
	case code >= 500:
		return classFault
	}
	return classBad
}
